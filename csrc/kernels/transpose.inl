/* transpose.inl: to[j to_row + i] = from[i from_row + j], SIDE x SIDE elements at a time by SQUARE(to, to_row, from, from_row).
 * real: the element type; FN(name): the function's name. */
static void FN(transpose)(real *to, int64_t to_row, const real *from, int64_t from_row, int64_t rows, int64_t cols) {
  int64_t i = 0;
  for (; i + SIDE <= rows; i += SIDE) {
    int64_t j = 0;
    for (; j + SIDE <= cols; j += SIDE) SQUARE(to + j * to_row + i, to_row, from + i * from_row + j, from_row);
    for (; j < cols; j++) {
      for (int64_t r = i; r < i + SIDE; r++) to[j * to_row + r] = from[r * from_row + j];
    }
  }
  for (; i < rows; i++) {
    for (int64_t j = 0; j < cols; j++) to[j * to_row + i] = from[i * from_row + j];
  }
}
