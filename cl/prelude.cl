/* SPDX-License-Identifier: Apache-2.0 */
/* The beginning of every program: vectors of VECTOR floats, loads and stores of any alignment.
 * A tensor argument is a base pointer and an offset in elements; an absent tensor is NULL.
 *
 * A program has one kernel. Each stands between #ifdef KERNEL_ with its name and #endif, and the host
 * defines that of the kernel that it wants. */
#ifndef VECTOR
#define VECTOR 1
#endif

#define CONCAT_(a, b) a##b
#define CONCAT(a, b) CONCAT_(a, b)

#if VECTOR == 1
typedef float vfloat;
typedef int vint;
typedef uint vuint;
#define as_vfloat as_float
#define as_vint as_int
#define as_vuint as_uint
#define convert_vfloat convert_float
#else
typedef CONCAT(float, VECTOR) vfloat;
typedef CONCAT(int, VECTOR) vint;
typedef CONCAT(uint, VECTOR) vuint;
#define as_vfloat CONCAT(as_float, VECTOR)
#define as_vint CONCAT(as_int, VECTOR)
#define as_vuint CONCAT(as_uint, VECTOR)
#define convert_vfloat CONCAT(convert_float, VECTOR)
#endif

/* One wide access if vload16 and vstore16 may become four (PoCL): a vector type of float's
 * alignment. Compilers without the attribute fall back to vload and vstore. */
#if VECTOR == 1
#define LOAD(p) (*(p))
#define STORE(v, p) (*(p) = (v))
#elif defined(ALIGNED) /* the host has seen that every vector begins at a multiple of its size */
#define LOAD(p) (*(const __global vfloat *)(p))
#define STORE(v, p) (*(__global vfloat *)(p) = (v))
#elif defined(__clang__) || defined(__GNUC__)
typedef vfloat __attribute__((aligned(4))) unaligned_vfloat;
#define LOAD(p) ((vfloat)(*(const __global unaligned_vfloat *)(p)))
#define STORE(v, p) (*(__global unaligned_vfloat *)(p) = (v))
#else
#define LOAD(p) CONCAT(vload, VECTOR)(0, (p))
#define STORE(v, p) CONCAT(vstore, VECTOR)((v), 0, (p))
#endif

/* A store that passes the cache by, for outputs larger than it. NONTEMPORAL asks for it; the host
 * sets that only if the address is a multiple of the vector. Compilers without the builtin store as
 * usual. */
#if defined(NONTEMPORAL) && defined(__has_builtin)
#if __has_builtin(__builtin_nontemporal_store)
#define STREAM(v, p) __builtin_nontemporal_store((v), (__global vfloat *)(p))
#endif
#endif
#ifndef STREAM
#define STREAM(v, p) STORE(v, p)
#endif

/* a * b + c, fused if the device does that in hardware. */
#ifdef HAVE_FMA
#define MAD(a, b, c) fma((a), (b), (c))
#else
#define MAD(a, b, c) mad((a), (b), (c))
#endif
