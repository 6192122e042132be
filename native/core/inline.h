// How functions are written that a header gives to the files of several ISAs. Each of these files is compiled with
// flags of its own; of a function with external linkage the linker keeps one copy, which might be that of an ISA that
// does not run here. So what they share is inlined always, without optimisation too, and they instantiate nothing of
// the standard library (tests/native/test_objects.py).
#pragma once

#define TABULAE_INLINE static inline __attribute__((always_inline))
#define TABULAE_INLINE_MEMBER inline __attribute__((always_inline))
#define TABULAE_INLINE_LAMBDA __attribute__((always_inline))
