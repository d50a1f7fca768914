import json, os, socket, sys, types
if sys.argv[1] == "-":
    stream = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
else:
    stream = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    stream.sendall(os.environ.pop("WORLDWRIGHT_WORKER_TOKEN").encode())
sys.argv = ["worldwright-worker"]
def receive(size):
    data = b""
    while len(data) < size:
        more = stream.recv(size - len(data))
        if not more:
            sys.exit(0)
        data += more
    return data
for name, text in json.loads(receive(int.from_bytes(receive(4), "little"))):
    sys.modules[name] = module = types.ModuleType(name)
    exec(compile(text, name + ".py", "exec"), module.__dict__)
sys.modules["worldwright_worker"].main(stream)
