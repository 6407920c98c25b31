# SPDX-License-Identifier: Apache-2.0
"""Mutants chosen by hand: (name, file, a text that occurs once, what it becomes). Mistakes that are easy
to make in this code and that a random token seldom hits."""

MUTANTS = [
    ("missing barrier in the tile run", "cl/scan/tile.cl",
     """        rows[row][lane].whole = whole;
        barrier(CLK_LOCAL_MEM_FENCE);
""",
     """        rows[row][lane].whole = whole;
"""),
    ("missing barrier before the tile run's next tile", "cl/scan/tile.cl",
     """        barrier(CLK_LOCAL_MEM_FENCE);
#pragma unroll
        for (int i = 0; i < BLOCK; i++) {
            if (active""",
     """#pragma unroll
        for (int i = 0; i < BLOCK; i++) {
            if (active"""),
    ("missing barrier in a column sum's tree", "cl/span.cl",
     """        barrier(CLK_LOCAL_MEM_FENCE);
        if (slice < half_) {""",
     """        if (slice < half_) {"""),
    ("carry of the chunk itself instead of the one before", "cl/scan/chunk.cl",
     """                state_store(carry, carries + (first + begin + i) * STATE_FLOATS * width, width);
                carry = elem_apply(block[i], carry);
""",
     """                carry = elem_apply(block[i], carry);
                state_store(carry, carries + (first + begin + i) * STATE_FLOATS * width, width);
"""),
    ("elements combined in the wrong order", "cl/scan/affine.cl",
     "return elem(earlier.a * later.a, elem_apply(later, earlier.b));",
     "return elem(earlier.a * later.a, elem_apply(earlier, later.b));"),
    ("a cut that lets the gradient through", "cl/scan/backward.cl",
     "return step.cut ? elem_constant(state_zero()) : e;", "return e;"),
    ("a cut that lets the gradient through, on the CPU", "src/cpu/scan/backward.c",
     """            dinit[c] += mu[c];
            mu[c] = 0.0f;
""",
     """            dinit[c] += mu[c];
"""),
    ("gate's gradient with the wrong sign", "cl/scan/mingru.cl",
     "(candidate(p.hidden) - before)", "(before - candidate(p.hidden))"),
    ("swapped hidden and gate rows", "src/cpu/scan/mingru.h",
     "{gated_dx(lane, t, 0), gated_dx(lane, t, 1)}", "{gated_dx(lane, t, 1), gated_dx(lane, t, 0)}"),
    ("minLSTM's forget and input gates swapped", "cl/scan/minlstm.cl",
     "return elem(g.forget, g.input * candidate(p.hidden));",
     "return elem(g.input, g.forget * candidate(p.hidden));"),
    ("a GRU's cut that lets the gradient through", "cl/recurrent.cl",
     "STORE_N(passes * dm, a_row + 2 * width + c, n);", "STORE_N(dm, a_row + 2 * width + c, n);"),
    ("an LSTM's forget and input gates swapped on the CPU", "src/cpu/recurrent/forward.c",
     "const float next = in.y * c[i] + in.x * g;", "const float next = in.x * c[i] + in.y * g;"),
    ("both of a GRU's forms taken for each other", "src/mixer/gru.c",
     "reset_gate == RESET_BEFORE", "reset_gate == RESET_AFTER"),
    ("missing dropout scale on the CPU", "src/cpu/residual.c",
     "factor[i] = words[i] < threshold ? 0.0f : scale;",
     "factor[i] = words[i] < threshold ? 0.0f : 1.0f;"),
    ("missing dropout scale in the kernel", "cl/residual.cl",
     "v = drawn[j] < threshold ? (vfloat)(0.0f) : v * scale;",
     "v = drawn[j] < threshold ? (vfloat)(0.0f) : v;"),
    ("moments written in each other's place", "src/store/state_file.c",
     "tensor_list_add(&list, layout, &second_moment_naming, values + 2 * layout->places.total);",
     "tensor_list_add(&list, layout, &second_moment_naming, values + layout->places.total);"),
    ("gate's rows before the hidden ones, as no file has them", "cl/scan/mingru.cl",
     "{load_gate(cell, lane, s, 0), load_gate(cell, lane, s, 1)}",
     "{load_gate(cell, lane, s, 1), load_gate(cell, lane, s, 0)}"),
    ("bias correction of the step before", "src/train/step.c",
     "(1.0 - pow((double)config->beta2, (double)step))",
     "(1.0 - pow((double)config->beta2, (double)step - 1))"),
    ("length one step too long", "src/cpu/scan/lane.h",
     "return scan->lengths ? min_i64(scan->time, max_i64(0, scan->lengths[sequence])) : scan->time;",
     "return scan->lengths ? min_i64(scan->time, max_i64(0, scan->lengths[sequence] + 1)) : scan->time;"),
    ("last channels left out", "src/opencl/scan.c",
     "channel < scan->args.width;) {", "channel + 1 < scan->args.width;) {"),
    ("a batch's last sequence left out", "cl/scan/tile.cl",
     "const int sequence = get_global_id(1) / ROWS;",
     "const int sequence = max((int)(get_global_id(1) / ROWS) - 1, 0);"),
    ("options missing from the cached program's key", "src/opencl/program.c",
     'snprintf(key, bytes, "%s%s\\n%s", cache->identity, options, source);',
     'snprintf(key, bytes, "%s%s\\n%s", cache->identity, "", source);'),
    ("norms' gain of public files not shifted by one", "src/store/checkpoint.c",
     "to[j] += naming->gain_offset;", "to[j] += 0.0f;"),
]
