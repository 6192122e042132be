/* The tests of nets print; what measures them counts. */
int printf(const char *format, ...);
