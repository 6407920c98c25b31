/* SPDX-License-Identifier: Apache-2.0 */
/* Softmax and cross-entropy over the rows of the logits. A row group takes `run` rows. */

#ifdef KERNEL_cross_entropy
/* loss[r] = log sum exp(logits[r]) - logits[r, target]; dlogits = scale * (softmax - onehot);
 * correct[r] = 1 if no logit is above the target's, else 0; all 0 if the target is negative. correct
 * may be absent, and dlogits too, or the logits themselves: its first pass leaves the exponentials
 * there, its second scales them, and each column belongs to one work-item. */
__kernel ROW_GROUP void cross_entropy(long rows, long run, long vocab, float scale,
                                      __global const float *logits, ulong logits_offset,
                                      __global const int *targets, ulong targets_offset,
                                      __global float *loss, ulong loss_offset,
                                      __global float *dlogits, ulong dlogits_offset,
                                      __global float *correct, ulong correct_offset) {
    ROW_SLOTS(slots);
    const long begin = row_group() * run;
    const long end = row_group_end(begin, run, rows);
    for (long at = begin; at < end; at++) {
        const long row = min(at, rows - 1);
        const long left = at < rows ? vocab : 0; /* columns */
        __global const float *in = logits + logits_offset + row * vocab;
        __global float *out = dlogits ? dlogits + dlogits_offset + row * vocab : dlogits;
        const int target = targets[targets_offset + row];
        const float chosen = left > 0 ? in[max(target, 0)] : 0.0f;
        vfloat largest = (vfloat)(-INFINITY);
        for (long c = row_item() * VECTOR; c < left; c += ROW_ITEMS * VECTOR) {
            largest = fmax(largest, LOAD_OR(in + c, left - c, -INFINITY));
        }
        const float top = row_max(lanes_max(largest), slots);
        vfloat sums = (vfloat)(0.0f);
        for (long c = row_item() * VECTOR; c < left; c += ROW_ITEMS * VECTOR) {
            const vfloat e = exp(LOAD_OR(in + c, left - c, -INFINITY) - top);
            sums += e;
            if (out) {
                STORE_N(e, out + c, left - c);
            }
        }
        const float sum = row_sum(lanes_sum(sums), slots);
        if (row_item() == 0 && left > 0) {
            loss[loss_offset + row] = target < 0 ? 0.0f : log(sum) + (top - chosen);
            if (correct) {
                correct[correct_offset + row] = target < 0 || chosen < top ? 0.0f : 1.0f;
            }
        }
        if (!out) {
            continue;
        }
        const float weight = target < 0 ? 0.0f : scale / sum;
        for (long c = row_item() * VECTOR; c < left; c += ROW_ITEMS * VECTOR) {
            const long n = left - c;
            const vfloat onehot = (vuint)((uint)c) + LANES == (uint)target ? scale : (vfloat)(0.0f);
            const vfloat d = LOAD_N(out + c, n) * weight - onehot;
            STORE_N(target < 0 ? (vfloat)(0.0f) : d, out + c, n);
        }
    }
}
#endif
