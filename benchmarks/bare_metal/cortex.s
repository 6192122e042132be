.syntax unified
.thumb
.section .vectors
.word stack_top
.word _start
.section .text.start
.globl _start
.thumb_func
_start:
    ldr r0, =bss_begin
    ldr r1, =bss_end
    movs r2, #0
1:  cmp r0, r1
    bhs 2f
    str r2, [r0]
    adds r0, #4
    b 1b
2:  bl main
3:  b 3b
