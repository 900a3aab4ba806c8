//! What the system tells of this process: Linux, by `/proc`; elsewhere nothing is known.

use std::fs;

/// Ticks of the processor times in `/proc`: what Linux shows programs is in hundredths of a second, whatever it counts in.
const TICKS_PER_SECOND: f64 = 100.0;

/// What is known of the process.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Process {
    /// Time of all processors, in seconds.
    pub cpu: Option<f64>,
    /// Files and sockets that are open.
    pub open_fds: Option<u64>,
    /// How many may be.
    pub max_fds: Option<u64>,
    /// Resident memory in bytes.
    pub resident: Option<u64>,
}

// === impl Process ===

impl Process {
    /// This one, now.
    #[must_use]
    pub fn read() -> Self {
        let text = |file: &str| fs::read_to_string(format!("/proc/self/{file}")).ok();
        Self {
            cpu: text("stat").as_deref().and_then(cpu),
            // The folder that is read is open while it is.
            open_fds: fs::read_dir("/proc/self/fd")
                .ok()
                .map(|files| (files.count() as u64).saturating_sub(1)),
            max_fds: text("limits").as_deref().and_then(max_fds),
            resident: text("status").as_deref().and_then(resident),
        }
    }
}

/// Fields 14 and 15, user and system time, counted from behind the program's name, which may hold anything.
fn cpu(stat: &str) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    Some((ticks()? + ticks()?) as f64 / TICKS_PER_SECOND)
}

/// The soft limit; nothing where there is none.
fn max_fds(limits: &str) -> Option<u64> {
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn resident(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_writes_is_read() {
        let stat = "7 (a ) (b) S 1 7 7 0 -1 4194560 1 0 0 0 150 25 0 0 20 0 4 0 99 1 2";
        assert_eq!(cpu(stat), Some(1.75));
        assert_eq!(cpu("7 (a"), None);
        let limits = "Limit Soft Hard Units\nMax open files            1024  524288  files\n";
        assert_eq!(max_fds(limits), Some(1_024));
        assert_eq!(max_fds("Max open files unlimited unlimited files"), None);
        assert_eq!(resident("Name:\tx\nVmRSS:\t    12 kB\n"), Some(12_288));
    }

    #[test]
    fn this_process_uses_something() {
        let process = Process::read();
        if cfg!(target_os = "linux") {
            assert!(process.cpu.is_some_and(|seconds| seconds >= 0.0));
            assert!(process.open_fds.is_some_and(|open| open > 2));
            assert!(process.resident.is_some_and(|bytes| bytes > 1 << 20));
        }
    }
}
