//! What this machine has, for the limits that nothing may exceed.
//!
//! Memory is the least of what is physically there, what the control group and those above it allow (version 2 or 1) and what a limit on the address
//! space (`ulimit -v`) leaves; half of it is what one thing may take, since data, a second environment and the system want some too. Where
//! nothing can be found out, the default of [`cost`] stands.

use std::fs;
use std::path::Path;

use worldwright_core::cost;

/// Has [`cost`] refuse what this machine's memory does not hold. Called once, when a program starts.
pub fn know_the_machine() {
    if let Some(bytes) = memory(&|path| fs::read_to_string(path).ok()) {
        cost::set_memory_limit(bytes / 2);
    }
}

/// Bytes that this process may use, found in the files that `read` gives.
fn memory(read: &dyn Fn(&str) -> Option<String>) -> Option<u64> {
    let whole = |path: &str| read(path)?.trim().parse::<u64>().ok();
    let physical = read("/proc/meminfo").and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
    });
    let address_space = read("/proc/self/limits").and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("Max address space"))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    });
    // A limit is often set on a group above: of the job, the pod or the user.
    let groups = read("/proc/self/cgroup").unwrap_or_default();
    let groups = groups.lines().filter_map(|line| {
        let (controllers, place) = line.split_once(':')?.1.split_once(':')?;
        let memory = controllers.split(',').any(|name| name == "memory");
        (memory || controllers.is_empty()).then_some((memory, place))
    });
    let limits = groups.flat_map(|(is_first_version, place)| {
        let (root, file) = if is_first_version {
            ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
        } else {
            ("/sys/fs/cgroup", "memory.max")
        };
        let above = Path::new(place.trim()).ancestors().map(Path::to_path_buf).collect::<Vec<_>>();
        above.into_iter().filter_map(move |place| {
            whole(&format!("{root}{}/{file}", place.display().to_string().trim_end_matches('/')))
        })
    });
    let others = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"].map(whole);
    [physical, address_space].into_iter().chain(others).flatten().chain(limits).filter(|bytes| *bytes > 0).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Option<u64> {
        memory(&|path| files.iter().find(|(name, _)| *name == path).map(|(_, text)| (*text).to_owned()))
    }

    #[test]
    fn the_least_of_what_is_said_counts() {
        let meminfo = ("/proc/meminfo", "MemTotal:       16000000 kB\nMemFree: 1 kB\n");
        assert_eq!(found(&[]), None);
        assert_eq!(found(&[meminfo]), Some(16_384_000_000));
        let limits =
            "Limit Soft Hard Units\nMax address space         4000000000           unlimited            bytes\n";
        assert_eq!(found(&[meminfo, ("/proc/self/limits", limits)]), Some(4_000_000_000));
        let open = "Max address space         unlimited            unlimited            bytes\n";
        assert_eq!(found(&[meminfo, ("/proc/self/limits", open)]), Some(16_384_000_000));
        let group = [("/proc/self/cgroup", "0::/job\n"), ("/sys/fs/cgroup/job/memory.max", "2000000000\n")];
        assert_eq!(found(&[meminfo, group[0], group[1]]), Some(2_000_000_000));
        let above = [
            ("/proc/self/cgroup", "0::/jobs/7/step\n"),
            ("/sys/fs/cgroup/jobs/7/step/memory.max", "max\n"),
            ("/sys/fs/cgroup/jobs/7/memory.max", "3000000000\n"),
        ];
        assert_eq!(found(&[meminfo, above[0], above[1], above[2]]), Some(3_000_000_000));
        let first = [
            ("/proc/self/cgroup", "5:cpu,cpuacct:/pod\n4:memory:/pod/one\n"),
            ("/sys/fs/cgroup/memory/pod/memory.limit_in_bytes", "1500000000\n"),
        ];
        assert_eq!(found(&[meminfo, first[0], first[1]]), Some(1_500_000_000));
        assert_eq!(found(&[meminfo, ("/sys/fs/cgroup/memory.max", "max\n")]), Some(16_384_000_000));
        let old = ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "1000000000\n");
        assert_eq!(found(&[meminfo, old]), Some(1_000_000_000));
    }

    #[test]
    fn this_machine_is_known() {
        know_the_machine();
        assert!(cost::memory_limit() > 1 << 20);
    }
}
