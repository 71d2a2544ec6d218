"""`sage doctor --devices` on drivers of a real kernel: vivid (camera), snd-aloop (microphone).

Containers and most CI machines cannot load kernel modules, so a kernel of Debian is booted in
QEMU, on this machine's own files (read-only), without KVM: a few minutes, 450 MB in
`build/kernel_devices`. On a busy machine that is so slow that microphones exceed the time that the
command gives them; one is listened to without it.

    sudo apt-get install -y qemu-system-x86 kmod alsa-utils
    make environment && python3 scripts/kernel_devices.py
"""

from __future__ import annotations

import gzip
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "build" / "kernel_devices"
TIMEOUT_S = 900
TO_BOOT = ("virtio_pci", "9pnet_virtio", "9p")
DRIVERS = ("vivid", "snd-aloop")
INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
for module in /modules/*; do insmod $module; done
share() { mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,ro,cache=loose $1 $2; }
share root /root
for name in dev proc sys; do mount --move /$name /root/$name; done
for name in tmp run mnt dev/shm; do mkdir -p /root/$name; mount -t tmpfs tmpfs /root/$name; done
mkdir /root/mnt/work; share work /root/mnt/work
exec switch_root /root /bin/bash /mnt/work/inside.sh
"""
# A tone is played into the loopback card, whose other end is the microphone.
INSIDE = """export HOME=/tmp PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin COLUMNS=100
export OMP_NUM_THREADS=1 SAGE_HOME=/tmp/home
for driver in {drivers}; do modprobe -d /mnt/work/kernel $driver; done
uname -r
{python} -c "import math, struct, sys
wave = [int(8000 * math.sin(n * math.tau * 440 / 48000)) for n in range(48000)]
sys.stdout.buffer.write(b''.join(struct.pack('<hh', value, value) for value in wave))" > /tmp/tone
(while true; do cat /tmp/tone; done) | aplay -q -D hw:0,1 -t raw -f S16_LE -r 48000 -c 2 &
sleep 2
echo "--- free"
{sage} doctor --devices
ls -l /tmp/home/devices
echo "--- microphone, given all the time that it takes here"
{python} -m sage.devices.apart microphone 0 /tmp/home/sound.flac
echo "--- in use"
arecord -q -D hw:0,0,0 -t raw -f S16_LE -r 48000 -c 2 /dev/null &
sleep 600 < /dev/video0 &
sleep 2
{sage} doctor --devices
echo "--- permission denied"
kill %2 %3
chmod 666 /dev/null /dev/video0; chmod 600 /dev/video0
setpriv --reuid 65534 --regid 65534 --clear-groups env SAGE_HOME=/tmp/other {sage} doctor --devices
echo "--- end"
echo o > /proc/sysrq-trigger; sleep 9
"""


def main() -> int:
    """Boot it and print what was said inside; 0 once the trial has come to its end."""
    release = _fetched()
    _write_initial_files(release)
    inside = INSIDE.format(
        drivers=" ".join(DRIVERS), python=ROOT / ".venv/bin/python", sage=ROOT / ".venv/bin/sage"
    )
    (WORK / "inside.sh").write_text(inside)
    output = ""
    with subprocess.Popen(_command(release), stdout=subprocess.PIPE, text=True) as machine:
        assert machine.stdout is not None
        for line in machine.stdout:
            output += line
            print(line, end="", flush=True)
    return 0 if "--- end" in output else 1


def _fetched() -> str:
    """Have kernel and busybox unpacked in `WORK`; the kernel's release."""
    kernel, busybox = WORK / "kernel", WORK / "busybox"
    if not kernel.is_dir():
        WORK.mkdir(parents=True, exist_ok=True)
        listed = _output("apt-cache", "depends", "linux-image-amd64").split()
        package = next(name for name in listed[1:] if name.startswith("linux-image-"))
        subprocess.run(["apt-get", "download", package, "busybox-static"], cwd=WORK, check=True)
        for pattern, folder in (("busybox-*.deb", busybox), ("linux-image-*.deb", kernel)):
            subprocess.run(["dpkg", "-x", next(WORK.glob(pattern)), folder], check=True)
    release = next((kernel / "lib/modules").iterdir()).name
    subprocess.run(["/sbin/depmod", "-b", kernel, release], check=True)
    return release


def _write_initial_files(release: str) -> None:
    """The initial file system, with what the kernel needs to see this machine's files."""
    folder = WORK / "initial"
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("bin", "modules", "root", "proc", "sys", "dev"):
        (folder / name).mkdir(parents=True)
    shutil.copy(WORK / "busybox/bin/busybox", folder / "bin")
    probe = ["/sbin/modprobe", "-d", str(WORK / "kernel"), "-S", release, "--show-depends"]
    lines = [line for name in TO_BOOT for line in _output(*probe, name).splitlines()]
    paths = dict.fromkeys(line.split()[1] for line in lines if line.startswith("insmod"))
    for number, path in enumerate(paths, start=10):
        shutil.copy(path, folder / "modules" / f"{number}-{Path(path).name}")
    (folder / "init").write_text(INIT)
    (folder / "init").chmod(0o755)
    names = "\n".join(str(path.relative_to(folder)) for path in sorted(folder.rglob("*")))
    archive = subprocess.run(
        [folder / "bin/busybox", "cpio", "-o", "-H", "newc"],
        cwd=folder, input=names.encode(), stdout=subprocess.PIPE, check=True,
    )  # fmt: skip
    (WORK / "initial.gz").write_bytes(gzip.compress(archive.stdout, 1))


def _command(release: str) -> list[str]:
    def shared(folder: Path, tag: str) -> list[str]:
        source = f"local,id={tag},path={folder},security_model=none,readonly=on,multidevs=remap"
        return ["-fsdev", source, "-device", f"virtio-9p-pci,fsdev={tag},mount_tag={tag}"]

    return [
        "timeout", str(TIMEOUT_S), "qemu-system-x86_64", "-nographic", "-no-reboot", "-net", "none",
        "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "2048",
        "-kernel", str(WORK / f"kernel/boot/vmlinuz-{release}"),
        "-initrd", str(WORK / "initial.gz"),
        "-append", "console=ttyS0 quiet panic=-1 rdinit=/init",
        *shared(Path("/"), "root"), *shared(WORK, "work"),
    ]  # fmt: skip


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    sys.exit(main())
