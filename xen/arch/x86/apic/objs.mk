objs-y += ioapic.o irq.o lapic.o
