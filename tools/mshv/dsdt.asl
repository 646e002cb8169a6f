// SPDX-License-Identifier: GPL-2.0-only
//
// What a guest finds besides processors and the I/O APIC.

// This goes through the C preprocessor: iasl's own has no macros.
#include "layout.h"

// A slot for a virtio device; a resource takes a number, and no sum of numbers
#define VIRTIO(NAME, NUMBER, ADDRESS, IRQ) \
	Device (NAME) \
	{ \
		Name (_HID, "LNRO0005") \
		Name (_UID, NUMBER) \
		Name (_CRS, ResourceTemplate () \
		{ \
			Memory32Fixed (ReadWrite, ADDRESS, 0x1000) \
			Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { IRQ } \
		}) \
		Method (_STA) { If (And (SLOT, ShiftLeft (1, NUMBER))) { Return (0x0F) } Return (0) } \
	}

DefinitionBlock ("", "DSDT", 2, "MSHV  ", "MSHVRUN ", 1)
{
	Name (\_S5, Package () { ACPI_SLEEP_TYPE_S5, 0, 0, 0 })

	Scope (\_SB)
	{
		Device (COM1)
		{
			Name (_HID, EisaId ("PNP0501"))
			Name (_UID, 1)
			Name (_DDN, "COM1")
			Name (_CRS, ResourceTemplate ()
			{
				IO (Decode16, SERIAL_PORT, SERIAL_PORT, 1, 8)
				Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { SERIAL_IRQ }
			})
		}

		Device (RTC)
		{
			Name (_HID, EisaId ("PNP0B00"))
			Name (_CRS, ResourceTemplate ()
			{
				IO (Decode16, CMOS_PORT, CMOS_PORT, 1, 2)
			})
		}

		// A kernel that has the pvpanic driver tells of its panic here.
		Device (PEVT)
		{
			Name (_HID, "QEMU0001")
			Name (_STA, 0x0F)
			Name (_CRS, ResourceTemplate ()
			{
				IO (Decode16, PVPANIC_PORT, PVPANIC_PORT, 1, 1)
			})
		}

		OperationRegion (SLTS, SystemIO, SLOTS_PORT, 1)
		Field (SLTS, ByteAcc, NoLock, Preserve) { SLOT, 8 }
		VIRTIO (VIO0, 0, 0xD0000000, 16)
		VIRTIO (VIO1, 1, 0xD0001000, 17)
		VIRTIO (VIO2, 2, 0xD0002000, 18)
		VIRTIO (VIO3, 3, 0xD0003000, 19)
		VIRTIO (VIO4, 4, 0xD0004000, 20)
		VIRTIO (VIO5, 5, 0xD0005000, 21)
		VIRTIO (VIO6, 6, 0xD0006000, 22)
		VIRTIO (VIO7, 7, 0xD0007000, 23)
	}
}
