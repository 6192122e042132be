/* The largest integer that is not above x / 2^bits; C leaves open what >> does to a negative number. */
static int32_t floor_shift(int32_t x, uint_fast8_t bits)
{
    return x < 0 ? ~(~x >> bits) : x >> bits;
}
