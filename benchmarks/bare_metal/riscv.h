/* RISC-V, QEMU's machine `virt`: instructions retired, exactly. */
#include <stdint.h>

static inline uint32_t now(void)
{
    uint32_t count;
    __asm__ volatile("csrr %0, minstret" : "=r"(count));
    return count;
}

static inline uint32_t since(uint32_t before) { return now() - before; }
static inline void begin(void) {}
static inline void put(char c) { *(volatile char *)0x10000000 = c; }
static inline void leave(void) { *(volatile uint32_t *)0x100000 = 0x5555; }
