//! Which system calls change something outside of the process.

use nix::libc;

/// What changes files, the kernel's networking or other processes; or waits for a process, which changed something
/// meanwhile. `openat` is asked for its flags.
const CHANGES: [libc::c_long; 35] = [
    libc::SYS_bpf,
    libc::SYS_clone,
    libc::SYS_clone3,
    libc::SYS_copy_file_range,
    libc::SYS_execve,
    libc::SYS_fallocate,
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_fsetxattr,
    libc::SYS_ftruncate,
    libc::SYS_ioctl,
    libc::SYS_kill,
    libc::SYS_linkat,
    libc::SYS_mkdirat,
    libc::SYS_mount,
    libc::SYS_pwrite64,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_sendfile,
    libc::SYS_sendmmsg,
    libc::SYS_sendmsg,
    libc::SYS_sendto,
    libc::SYS_setxattr,
    libc::SYS_shutdown,
    libc::SYS_symlinkat,
    libc::SYS_truncate,
    libc::SYS_umount2,
    libc::SYS_unlinkat,
    libc::SYS_utimensat,
    libc::SYS_wait4,
    libc::SYS_waitid,
    libc::SYS_write,
    libc::SYS_writev,
];

/// The same under names that newer architectures no longer have.
#[cfg(target_arch = "x86_64")]
const CHANGES_BY_PATH: [libc::c_long; 14] = [
    libc::SYS_chmod,
    libc::SYS_chown,
    libc::SYS_creat,
    libc::SYS_fork,
    libc::SYS_lchown,
    libc::SYS_link,
    libc::SYS_mkdir,
    libc::SYS_mknod,
    libc::SYS_open,
    libc::SYS_rename,
    libc::SYS_rmdir,
    libc::SYS_symlink,
    libc::SYS_unlink,
    libc::SYS_vfork,
];
#[cfg(not(target_arch = "x86_64"))]
const CHANGES_BY_PATH: [libc::c_long; 0] = [];

/// The place of its flags among `openat`'s arguments.
const FLAGS: usize = 2;

/// Does the system call of this line of `/proc/PID/syscall` (its number, and its arguments in hexadecimal) change
/// anything?
pub(super) fn changes(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let Some(number) = words.next().and_then(|number| number.parse().ok()) else { return false };
    if number == libc::SYS_openat {
        let flags = words.nth(FLAGS).and_then(|flags| flags.strip_prefix("0x"));
        let flags = flags.and_then(|flags| i64::from_str_radix(flags, 16).ok());
        return flags.is_some_and(|flags| flags & i64::from(libc::O_CREAT | libc::O_TRUNC) != 0);
    }
    CHANGES.contains(&number) || CHANGES_BY_PATH.contains(&number)
}
