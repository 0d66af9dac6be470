"""Processor, memory, firmware tables, uptime: from /proc and /sys."""

import os

from modules.support.facts import reading

DMI = "/sys/devices/virtual/dmi/id"
DMI_FILES = {
    "bios_date": "bios_date", "bios_vendor": "bios_vendor", "bios_version": "bios_version",
    "board_asset_tag": "board_asset_tag", "board_name": "board_name", "board_serial": "board_serial",
    "board_vendor": "board_vendor", "board_version": "board_version", "chassis_asset_tag": "chassis_asset_tag",
    "chassis_serial": "chassis_serial", "chassis_vendor": "chassis_vendor", "chassis_version": "chassis_version",
    "product_name": "product_name", "product_serial": "product_serial", "product_uuid": "product_uuid",
    "product_version": "product_version", "system_vendor": "sys_vendor",
}
FORM_FACTORS = (
    "Unknown", "Other", "Unknown", "Desktop", "Low Profile Desktop", "Pizza Box", "Mini Tower", "Tower", "Portable",
    "Laptop", "Notebook", "Hand Held", "Docking Station", "All In One", "Sub Notebook", "Space-saving", "Lunch Box",
    "Main Server Chassis", "Expansion Chassis", "Sub Chassis", "Bus Expansion Chassis", "Peripheral Chassis",
    "RAID Chassis", "Rack Mount Chassis", "Sealed-case PC", "Multi-system", "CompactPCI", "AdvancedTCA", "Blade",
    "Blade Enclosure", "Tablet", "Convertible", "Detachable", "IoT Gateway", "Embedded PC", "Mini PC", "Stick PC")
"""By number, as SMBIOS 3 (7.4.1) has them."""


def collect(host):
    """Processor, memory, firmware, uptime."""
    facts = parse_cpuinfo(reading.text("/proc/cpuinfo"), os.uname()[4])
    facts["processor_nproc"] = usable_processors()
    facts.update(parse_meminfo(reading.text("/proc/meminfo")))
    facts.update(firmware())
    facts["uptime_seconds"] = int(float(reading.line("/proc/uptime", "0").split()[0]))
    return facts


def usable_processors():
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0))


def parse_cpuinfo(content, machine):
    """``processor*`` and ``flags`` from a /proc/cpuinfo text."""
    blocks = [dict(pair(line) for line in block.splitlines() if ":" in line)
              for block in content.strip().split("\n\n") if block.strip()]
    cpus = [block for block in blocks if "processor" in block] or blocks[:1]
    shown = []
    for block in cpus:
        for name in ("processor", "vendor_id", "model name", "cpu", "Processor"):
            if name in block:
                shown.append(block[name])
    facts = {"processor": shown}
    facts.update(counts(cpus, machine))
    flags = next((block[name] for block in blocks for name in ("flags", "Features") if name in block), None)
    if flags is not None:
        facts["flags"] = flags.split()
    return facts


def pair(line):
    """The name and value of one line."""
    name, _, value = line.partition(":")
    return name.strip(), value.strip()


def counts(cpus, machine):
    """Sockets, cores, threads. Where the kernel does not name sockets (ARM, many guests), each processor is one."""
    sockets = {}
    for block in cpus:
        if "physical id" in block:
            sockets.setdefault(block["physical id"], block)
    if not sockets:
        number = len(cpus)
        return {"processor_count": number, "processor_cores": 1, "processor_threads_per_core": 1,
                "processor_vcpus": number}
    one = next(iter(sockets.values()))
    cores = int(one.get("cpu cores") or 1)
    threads = max(1, int(one.get("siblings") or cores) // (cores or 1))
    return {"processor_count": len(sockets), "processor_cores": cores, "processor_threads_per_core": threads,
            "processor_vcpus": len(sockets) * cores * threads}


def parse_meminfo(content):
    """``memory_mb`` and ``mem*_mb``, ``swap*_mb`` (MiB) from a /proc/meminfo text."""
    mib = {}
    for line in content.splitlines():
        name, value = pair(line)
        if value.split()[:1] and value.split()[0].isdigit():
            mib[name] = int(value.split()[0]) // 1024
    total, free = mib.get("MemTotal", 0), mib.get("MemFree", 0)
    unused = free + mib.get("Cached", 0) + mib.get("Buffers", 0)
    swap_total, swap_free = mib.get("SwapTotal", 0), mib.get("SwapFree", 0)
    return {
        "memtotal_mb": total, "memfree_mb": free, "swaptotal_mb": swap_total, "swapfree_mb": swap_free,
        "memory_mb": {
            "real": {"total": total, "used": total - free, "free": free},
            "nocache": {"free": unused, "used": total - unused},
            "swap": {"total": swap_total, "free": swap_free, "used": swap_total - swap_free,
                     "cached": mib.get("SwapCached", 0)}}}


def firmware():
    """DMI's facts; "NA" for what the machine does not say or we may not read."""
    if not os.path.isdir(DMI):
        return dict.fromkeys(list(DMI_FILES) + ["form_factor"], "NA")
    facts = {name: reading.line(os.path.join(DMI, file), "NA") for name, file in DMI_FILES.items()}
    kind = reading.line(os.path.join(DMI, "chassis_type"))
    known = kind.isdigit() and int(kind) < len(FORM_FACTORS)
    facts["form_factor"] = FORM_FACTORS[int(kind)] if known else "NA"
    return facts
