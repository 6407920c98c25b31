/* SPDX-License-Identifier: Apache-2.0 */
/* The matrix product by CLBlast, for GPUs. It has been wrong on some of them, without a word: it is
 * compared with our own before it is used. */
#include "base/alloc.h"
#include "opencl/gemm.h"

#include <clblast_c.h>
#include <string.h>

/* CLBlast's caches are the process's: its calls, for whichever device, come one after the other. */
static pthread_mutex_t clblast_lock = PTHREAD_MUTEX_INITIALIZER;

/* CLBlast asks for less copying in column-major terms, where c need not be transposed:
 * transposed c [n, m] = op(b) transposed * op(a) transposed. So its a is our b. */
struct blas_shape {
    CLBlastTranspose first, second; /* of b and of a */
    size_t m, n, k, b_stride, a_stride, c_stride;
};

static struct blas_shape shape_of(const struct gemm_args *args) {
    return (struct blas_shape){
        .first = args->transpose_b ? CLBlastTransposeYes : CLBlastTransposeNo,
        .second = args->transpose_a ? CLBlastTransposeYes : CLBlastTransposeNo,
        .m = (size_t)args->n,
        .n = (size_t)args->m,
        .k = (size_t)args->k,
        .b_stride = (size_t)args->b_row,
        .a_stride = (size_t)args->a_row,
        .c_stride = (size_t)args->c_row,
    };
}

static uint64_t view_alignment(const struct cl_device *device) {
    return device->traits.alignment < 1 ? 128 : (uint64_t)device->traits.alignment;
}

/* A matrix as CLBlast wants it: it copies what does not begin at offset 0 of its memory object. So
 * the view is a sub-buffer, if alignment allows. To be released. */
struct view {
    cl_mem memory;
    size_t offset; /* elements */
};

static cl_int view_create(const struct cl_device *device, minrnn_tensor tensor, int64_t elements,
                          struct view *view) {
    const struct cl_buffer *buffer = (const struct cl_buffer *)tensor.buffer;
    const uint64_t bytes = tensor_origin(tensor) * F32_BYTES;
    if (bytes > 0 && bytes % view_alignment(device) == 0) {
        const cl_buffer_region region = {.origin = (size_t)bytes,
                                         .size = (size_t)elements * F32_BYTES};
        cl_int code = CL_SUCCESS;
        cl_mem part = clCreateSubBuffer(buffer->memory, CL_MEM_READ_WRITE,
                                        CL_BUFFER_CREATE_TYPE_REGION, &region, &code);
        if (part) {
            *view = (struct view){.memory = part};
            return CL_SUCCESS;
        } /* a caller's memory may be a sub-buffer itself, which has none */
    }
    const cl_int code = clRetainMemObject(buffer->memory);
    if (!code) {
        *view = (struct view){.memory = buffer->memory, .offset = (size_t)tensor_origin(tensor)};
    }
    return code;
}

static void view_release(struct view *view) {
    if (view->memory) {
        clReleaseMemObject(view->memory);
    }
}

/* CLBlast counts in int. */
static bool fits_int(const struct view *view, int64_t elements) {
    return view->offset + (uint64_t)elements <= INT32_MAX;
}

/* Bytes of CLBlast's temporary buffer, in the worst case: an offset makes it copy a matrix. */
static size_t temporary_bytes(const struct cl_device *device, const struct gemm_args *args) {
    const struct blas_shape s = shape_of(args);
    cl_command_queue queue = device->queue;
    size_t bytes = 0;
    pthread_mutex_lock(&clblast_lock);
    const CLBlastStatusCode code =
        CLBlastSGemmTempBufferSize(CLBlastLayoutColMajor, s.first, s.second, s.m, s.n, s.k, 1,
                                   s.b_stride, 1, s.a_stride, 1, s.c_stride, &queue, &bytes);
    pthread_mutex_unlock(&clblast_lock);
    return code == CLBlastSuccess ? bytes : 0; /* too little is an error of the call itself */
}

void gemm_clblast_forget(const struct cl_device *device) {
    if (device->used_clblast) {
        pthread_mutex_lock(&clblast_lock);
        (void)CLBlastClearCache(); /* or its destructors would call OpenCL at exit */
        pthread_mutex_unlock(&clblast_lock);
    }
}

static int64_t clblast_scratch(const struct cl_device *device, const struct gemm_args *args) {
    const size_t bytes = temporary_bytes(device, args);
    const int64_t own = gemm_group.scratch(device, args); /* which may have to stand in */
    return bytes > 0 ? max_i64((int64_t)(bytes + view_alignment(device)), own) : own;
}

static minrnn_status call_failed(CLBlastStatusCode code, const struct gemm_args *args) {
    return cl_fail((cl_int)code, "CLBlastSgemm", "m %lld, n %lld, k %lld%s%s", (long long)args->m,
                   (long long)args->n, (long long)args->k,
                   args->transpose_a ? ", a transposed" : "",
                   args->transpose_b ? ", b transposed" : "");
}

/* The part of the scratch that begins where a sub-buffer can. */
static minrnn_tensor aligned_scratch(const struct op_context *context) {
    const uint64_t alignment = view_alignment(cl_device_of(context)) / F32_BYTES;
    const uint64_t origin = tensor_origin(context->scratch);
    return tensor_at(context->scratch, (int64_t)((alignment - origin % alignment) % alignment));
}

static minrnn_status call_clblast(struct cl_device *device, const struct gemm_args *args,
                                  const struct view *a, const struct view *b, const struct view *c,
                                  const struct view *temporary) {
    const struct blas_shape s = shape_of(args);
    pthread_mutex_lock(&clblast_lock);
    device->used_clblast = true;
    const CLBlastStatusCode code = CLBlastSgemmWithTempBuffer(
        CLBlastLayoutColMajor, s.first, s.second, s.m, s.n, s.k, 1.0f, b->memory, b->offset,
        s.b_stride, a->memory, a->offset, s.a_stride, args->accumulate ? 1.0f : 0.0f, c->memory,
        c->offset, s.c_stride, &device->queue, NULL, temporary->memory);
    pthread_mutex_unlock(&clblast_lock);
    return code == CLBlastSuccess ? MINRNN_OK : call_failed(code, args);
}

/* Elements from a matrix's first to its last. */
struct extents {
    int64_t a, b, c;
};

static struct extents extents_of(const struct gemm_args *args) {
    const int64_t m = args->m, n = args->n, k = args->k;
    return (struct extents){
        .a = matrices_extent(1, args->transpose_a ? k : m, args->transpose_a ? m : k, args->a_row,
                             0),
        .b = matrices_extent(1, args->transpose_b ? n : k, args->transpose_b ? k : n, args->b_row,
                             0),
        .c = matrices_extent(1, m, n, args->c_row, 0),
    };
}

static minrnn_status multiply(struct op_context *context, const struct gemm_args *args) {
    struct cl_device *device = cl_device_of(context);
    const struct extents extents = extents_of(args);
    struct view a = {0}, b = {0}, c = {0}, temporary = {0};
    minrnn_status status = MINRNN_OK;
    cl_int code = view_create(device, args->a, extents.a, &a);
    code = code ? code : view_create(device, args->b, extents.b, &b);
    code = code ? code : view_create(device, args->c, extents.c, &c);
    const size_t bytes = temporary_bytes(device, args);
    if (bytes > 0 && !code) {
        code = view_create(device, aligned_scratch(context), ceil_div((int64_t)bytes, F32_BYTES),
                           &temporary);
    }
    if (code) {
        status = cl_fail(code, "clRetainMemObject", "%s", "");
    } else if (!fits_int(&a, extents.a) || !fits_int(&b, extents.b) || !fits_int(&c, extents.c) ||
               temporary.offset > 0) { /* scratch inside a caller's sub-buffer */
        status = gemm_group.run(context, args);
    } else {
        status = call_clblast(device, args, &a, &b, &c, &temporary);
    }
    view_release(&a);
    view_release(&b);
    view_release(&c);
    view_release(&temporary);
    return status;
}

/* ---- whether it is right ---- */

/* CLBlast has a kernel for small products and one for large ones; where the second begins is the
 * device's, at 128 to 704 cubed on those where it was wrong. */
static const struct {
    int64_t m, n, k;
    bool accumulate;
} tries[] = {{256, 384, 320, false}, {256, 384, 320, true}, {704, 768, 704, false}};

/* Halves of small odd numbers: whatever the order of a sum, it is exact. */
static void fill_halves(float *x, int64_t count, uint32_t seed) {
    for (int64_t i = 0; i < count; i++) {
        seed = seed * 1664525 + 1013904223;
        x[i] = (float)(int)(seed >> 28) - 7.5f;
    }
}

/* A product of both ways: a, b, what each made of the same c, and scratch. */
struct trial {
    struct gemm_args args;
    int64_t a, b, c; /* elements */
    minrnn_buffer *memory, *scratch;
    float *host, *other;
};

static struct gemm_args with_tensors(const struct trial *trial, int64_t c) {
    struct gemm_args args = trial->args;
    args.a = tensor_f32(trial->memory, 0);
    args.b = tensor_f32(trial->memory, trial->a);
    args.c = tensor_f32(trial->memory, trial->a + trial->b + c);
    return gemm_of_batch(&args, 0);
}

static minrnn_status trial_create(struct cl_device *device, struct trial *trial) {
    const struct gemm_args *args = &trial->args;
    const struct gemm_args all = gemm_strides(args);
    trial->a = args->m * args->k;
    trial->b = args->k * args->n;
    trial->c = args->m * args->n;
    const int64_t count = trial->a + trial->b + 2 * trial->c;
    trial->host = mem_alloc((size_t)count, sizeof(float));
    trial->other = mem_alloc((size_t)trial->c, sizeof(float));
    if (!trial->host || !trial->other) {
        return MINRNN_OUT_OF_MEMORY;
    }
    fill_halves(trial->host, count - trial->c, 1);
    memcpy(trial->host + count - trial->c, trial->host + count - 2 * trial->c,
           (size_t)trial->c * sizeof(float));
    minrnn_status status =
        minrnn_buffer_create(&device->base, (uint64_t)count * F32_BYTES, &trial->memory);
    status = status ? status
                    : minrnn_buffer_create(&device->base,
                                           (uint64_t)clblast_scratch(device, &all) + F32_BYTES,
                                           &trial->scratch);
    return status ? status
                  : minrnn_buffer_write(trial->memory, 0, trial->host, (uint64_t)count * F32_BYTES);
}

static minrnn_status trial_run(struct cl_device *device, struct trial *trial, bool *same) {
    struct op_context context = {.device = &device->base, .scratch = tensor_f32(trial->scratch, 0)};
    const struct gemm_args first = with_tensors(trial, 0), second = with_tensors(trial, trial->c);
    const uint64_t bytes = (uint64_t)trial->c * F32_BYTES;
    const uint64_t from = (uint64_t)(trial->a + trial->b) * F32_BYTES;
    minrnn_status status = multiply(&context, &first);
    status = status ? status : gemm_group.run(&context, &second);
    status = status ? status : minrnn_buffer_read(trial->memory, from, trial->host, bytes);
    status = status ? status : minrnn_buffer_read(trial->memory, from + bytes, trial->other, bytes);
    *same = !status && memcmp(trial->host, trial->other, bytes) == 0;
    return status;
}

static minrnn_status try_product(struct cl_device *device, struct gemm_args args, bool *same) {
    struct trial trial = {.args = args};
    minrnn_status status = trial_create(device, &trial);
    status = status ? status : trial_run(device, &trial, same);
    minrnn_buffer_destroy(trial.scratch);
    minrnn_buffer_destroy(trial.memory);
    mem_free(trial.other);
    mem_free(trial.host);
    return status;
}

/* Products with these transposes: all of them right, or one not. */
static minrnn_status try_products(struct cl_device *device, const struct gemm_args *like,
                                  enum gemm_trust *trust) {
    minrnn_status status = MINRNN_OK;
    *trust = GEMM_RIGHT;
    for (size_t i = 0; !status && *trust == GEMM_RIGHT && i < sizeof tries / sizeof *tries; i++) {
        bool same = false;
        status = try_product(device,
                             (struct gemm_args){.m = tries[i].m,
                                                .n = tries[i].n,
                                                .k = tries[i].k,
                                                .transpose_a = like->transpose_a,
                                                .transpose_b = like->transpose_b,
                                                .accumulate = tries[i].accumulate},
                             &same);
        *trust = same ? GEMM_RIGHT : GEMM_WRONG;
    }
    return status;
}

static minrnn_status clblast_run(struct op_context *context, const struct gemm_args *args) {
    struct cl_device *device = cl_device_of(context);
    atomic_int *known = &device->clblast[args->transpose_a + 2 * args->transpose_b];
    enum gemm_trust trust = (enum gemm_trust)atomic_load(known);
    if (trust == GEMM_UNKNOWN) {
        const minrnn_status status = try_products(device, args, &trust);
        if (status) {
            return status;
        }
        atomic_store(known, (int)trust);
    }
    return trust == GEMM_RIGHT ? multiply(context, args) : gemm_group.run(context, args);
}

const struct gemm_way gemm_clblast = {
    .run = clblast_run, .scratch = clblast_scratch, .one_by_one = true};
