/* loops_generic.c: the loops of loops.inl for any processor. */
#include "loops.inl"

void gt__loops_generic(gt__loop_kernels *to) { *to = table; }
