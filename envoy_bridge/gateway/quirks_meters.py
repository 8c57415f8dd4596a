"""Signs and repairs of the faults in what meters and inverters read: for the table in `quirks.py`. Pure."""

from msgspec.structs import replace

from envoy_bridge.gateway import wire
from envoy_bridge.gateway.known import Known, phase_count
from envoy_bridge.model import scaled

# --- power factor of several phases, added up


def summed(channel: wire.MeterChannel | wire.ReportLine) -> bool:
    """Is the power factor one that cannot be?"""
    return channel.pwr_factor is not None and abs(channel.pwr_factor) > 1


def ratio(power: float | None, apparent: float | None) -> float | None:
    """The power factor as what it means; None where the powers do not give one."""
    if power is None or not apparent or abs(power) > abs(apparent):
        return None
    return scaled(power / abs(apparent))


def has_summed_reading(readings: wire.Readings, _known: Known) -> bool:
    """Does a meter show a power factor beyond 1?"""
    return any(summed(reading) for reading in readings)


def unsum_readings(readings: wire.Readings, _known: Known) -> wire.Readings:
    """Active over apparent power in its place."""
    return tuple(
        replace(reading, pwr_factor=ratio(reading.active_power, reading.apparent_power)) if summed(reading) else reading
        for reading in readings
    )


# --- meters that have not started


def _dead(channel: wire.MeterChannel) -> bool:
    return not (channel.voltage or channel.active_power or channel.act_energy_dlvd or channel.act_energy_rcvd)


def has_dead_reading(readings: wire.Readings, known: Known) -> bool:
    """Does a CT that is enabled read zero in everything?"""
    wanted = {meter.eid for meter in known.measuring.values()}
    return any(reading.eid in wanted and _dead(reading) for reading in readings)


def without_dead_readings(readings: wire.Readings, _known: Known) -> wire.Readings:
    """The meters that measure."""
    return tuple(reading for reading in readings if not _dead(reading))


# --- one phase of the storage CT that reads zero


def _uncounted(channel: wire.MeterChannel) -> bool:
    return not (channel.act_energy_dlvd or channel.act_energy_rcvd)


def _has_lost_phase(reading: wire.Reading, meter: wire.Meter) -> bool:
    """Has a phase of this CT lost what another still has?

    A phase of three may have its voltage and no battery, and so no energy, for ever; a leg of split phase may not: a
    battery there lies between both.
    """
    phases = reading.channels[: phase_count(meter)]
    lost = [phase for phase in phases if _dead(phase) or (_uncounted(phase) and meter.phase_mode == "split")]
    return bool(lost) and not all(_uncounted(phase) for phase in phases)


def lost_storage_phase(readings: wire.Readings, known: Known) -> bool:
    """Does the storage CT read zero on one phase that it counts on another?"""
    meter = known.measuring.get("storage")
    return meter is not None and any(
        reading.eid == meter.eid and _has_lost_phase(reading, meter) for reading in readings
    )


def without_storage(readings: wire.Readings, known: Known) -> wire.Readings:
    """The other meters."""
    return tuple(reading for reading in readings if reading.eid != known.measuring["storage"].eid)


# --- inverters that were taken off the roof


def has_removed(data: wire.DeviceData, _known: Known) -> bool:
    """Is there something measured by a device that is not active?"""
    return any(isinstance(entry, wire.Device) and entry.active is False and entry.channels for entry in data.values())


def without_removed(data: wire.DeviceData, _known: Known) -> wire.DeviceData:
    """What they measured last is left out. That they were removed stays."""
    return {
        key: replace(entry, channels=()) if isinstance(entry, wire.Device) and entry.active is False else entry
        for key, entry in data.items()
    }
