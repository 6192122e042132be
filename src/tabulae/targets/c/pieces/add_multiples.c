/* Eight sums of code * weight, of n codes below 16 and n words of eight weights below 16, by adds alone.
 *
 * A product of 4 bits by 4 fits a byte, so the even and the odd four weights of a word are multiplied at once, each in
 * a byte of its own. sums[0] to sums[3] hold two sums of 16 bits each: of the weights at bits 0 and 16, 8 and 24, 4
 * and 20, 12 and 28. Words are added whole, so odd bytes leak into what stands above them; as they are also added by
 * themselves, that is taken off at the end. Multiples are written so that GCC makes no multiplication of them. */
static void add_multiples(uint32_t *sums, const uint8_t *codes, const uint32_t *weights, uint_fast16_t n)
{
    uint32_t even = 0, even_high = 0, odd = 0, odd_high = 0;
    const uint8_t *const end = codes + n;
    do {
        const uint32_t eight = READ(weights);
        const uint_fast8_t code = *codes;
        uint32_t a = eight & 0x0f0f0f0fUL, b = (eight >> 4) & 0x0f0f0f0fUL;
        weights++;
        codes++;
        switch (code) {
        case 0: continue;
        case 1: break;
        case 2: a = a << 1; b = b << 1; break;
        case 3: a = (a << 2) - a; b = (b << 2) - b; break;
        case 4: a = a << 2; b = b << 2; break;
        case 5: a = (a << 2) + a; b = (b << 2) + b; break;
        case 6: a = a + a + (a << 2); b = b + b + (b << 2); break;
        case 7: a = (a << 3) - a; b = (b << 3) - b; break;
        case 8: a = a << 3; b = b << 3; break;
        case 9: a = (a << 3) + a; b = (b << 3) + b; break;
        case 10: a = a + a + (a << 3); b = b + b + (b << 3); break;
        case 11: a = (((a << 2) + a) << 1) + a; b = (((b << 2) + b) << 1) + b; break;
        case 12: a = ((a << 2) - a) << 2; b = ((b << 2) - b) << 2; break;
        case 13: a = (((a << 2) - a) << 2) + a; b = (((b << 2) - b) << 2) + b; break;
        case 14: a = ((a << 3) - a) << 1; b = ((b << 3) - b) << 1; break;
        default: a = (a << 4) - a; b = (b << 4) - b; break;
        }
        even += a;
        odd += b;
        even_high += (a >> 8) & 0x00ff00ffUL;
        odd_high += (b >> 8) & 0x00ff00ffUL;
    } while (codes != end);
    sums[0] = even - (even_high << 8);
    sums[1] = even_high;
    sums[2] = odd - (odd_high << 8);
    sums[3] = odd_high;
}
