"""The households that we made up, and what their gateways answer. `scripts/fixtures` writes them down."""

from _fixtures import equipped, faults, firmware_3_to_5, firmware_7, firmware_8, seven_meters

HOUSEHOLDS = (
    *firmware_3_to_5.HOUSEHOLDS,
    *firmware_7.HOUSEHOLDS,
    *firmware_8.HOUSEHOLDS,
    *seven_meters.HOUSEHOLDS,
    *equipped.HOUSEHOLDS,
    *faults.HOUSEHOLDS,
)
