/* SPDX-License-Identifier: Apache-2.0 */
/* The matrix product by CLBlast, for GPUs. */
#include "opencl/gemm.h"

#include <clblast_c.h>

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
    return bytes > 0 ? (int64_t)(bytes + view_alignment(device)) : 0;
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

static minrnn_status clblast_run(struct op_context *context, const struct gemm_args *args) {
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

const struct gemm_way gemm_clblast = {
    .run = clblast_run, .scratch = clblast_scratch, .one_by_one = true};
