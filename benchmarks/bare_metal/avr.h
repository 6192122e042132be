/* AVR, simavr: Timer 1 counts every 64th cycle; a character goes out by the UART; to sleep without interrupts ends it. */
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>
#include <stdint.h>

static inline uint32_t now(void) { return TCNT1; }
static inline uint32_t since(uint32_t before) { return (uint16_t)(TCNT1 - (uint16_t)before); }
static inline void begin(void) { TCCR1B = 3; }

static inline void put(char c)
{
    while (!(UCSR0A & (1 << UDRE0))) {}
    UDR0 = c;
}

static inline void leave(void)
{
    cli();
    sleep_mode();
}
