"""Writes the event file that tests/it/tensorboard.rs expects, with TensorBoard 2.21's own writer.

pip install tensorboard==2.21.0; python tensorboard_events.py
"""
import io
from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.record_writer import RecordWriter
out = io.BytesIO()
writer = RecordWriter(out)
V = summary_pb2.Summary.Value
writer.write(event_pb2.Event(wall_time=1700000000.25, file_version="brain.Event:2").SerializeToString())
writer.write(event_pb2.Event(wall_time=1700000001.5, step=300, summary=summary_pb2.Summary(value=[
    V(tag="episode/return", simple_value=-1402.5), V(tag="learn/holdout_mse", simple_value=0.125)])).SerializeToString())
print(out.getvalue().hex())
