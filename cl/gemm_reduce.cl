/* SPDX-License-Identifier: Apache-2.0 */
/* The last step of a matrix product that was split along k. */

#ifdef KERNEL_gemm_reduce
/* c[p][row][i] (+)= sum over s of partial[p][s][row][i], s in order; VECTOR elements a work-item. Global:
 * vectors of a row of `width`, rows, which are c_row apart in c, products, which are c_step apart. */
__kernel void gemm_reduce(__global const float *restrict partial, ulong partial_offset,
                          __global float *restrict c, ulong c_offset, long width, long rows,
                          long c_row, long c_step, int segments, int accumulate) {
    const long begin = (long)get_global_id(0) * VECTOR;
    const long row = get_global_id(1);
    const long count = width * rows;
    const long product = get_global_id(2);
    partial += partial_offset + product * segments * count + row * width;
    c += c_offset + product * c_step + row * c_row;
    if (begin + VECTOR <= width) {
        vfloat sum = accumulate ? LOAD(c + begin) : (vfloat)0.0f;
        for (int s = 0; s < segments; s++) {
            sum += LOAD(partial + s * count + begin);
        }
        STORE(sum, c + begin);
        return;
    }
    for (long i = begin; i < width; i++) {
        float sum = accumulate ? c[i] : 0.0f;
        for (int s = 0; s < segments; s++) {
            sum += partial[s * count + i];
        }
        c[i] = sum;
    }
}
#endif
