/* Runs the test of a net on a machine without a system, and says mismatches, mean and worst count of a run.
 *
 * MACHINE.h counts (`now`, in units of COUNT) and says (`put`), and ends (`leave`). */
#include MACHINE
#include "net.h"

static uint32_t total, worst, runs;

static void counted(uint32_t count)
{
    total += count;
    runs++;
    if (count > worst) worst = count;
}

/* clang-format off: the name in brackets is no call of the macro */
#define net_run(...) do { const uint32_t before = now(); (net_run)(__VA_ARGS__); counted(since(before)); } while (0)
/* clang-format on */
#define main test_main
#include "test_net.c"
#undef main

int printf(const char *format, ...)
{
    (void)format;
    return 0;
}

/* What compilers make of loops. */
void *memset(void *to, int value, unsigned long n)
{
    for (volatile char *p = to; n != 0; n--) *p++ = (char)value;
    return to;
}

void *memcpy(void *to, const void *from, unsigned long n)
{
    const char *q = from;
    for (volatile char *p = to; n != 0; n--) *p++ = *q++;
    return to;
}

static void say(uint32_t value)
{
    for (int shift = 28; shift >= 0; shift -= 4) put("0123456789abcdef"[(value >> shift) & 15]);
}

int main(void)
{
    begin();
    const uint32_t mismatches = (uint32_t)test_main();
    say(mismatches);
    put(' ');
    say(total);
    put(' ');
    say(worst);
    put(' ');
    say(runs);
    put('\n');
    leave();
    return 0;
}
