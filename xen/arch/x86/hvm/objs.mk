objs-y += decode.o
objs-y += io.o
objs-y += vlapic.o
objs-y += vlapic_timer.o
objs-y += vlapic_ipi.o
objs-y += vioapic.o
objs-y += alu.o
objs-y += emulate.o
