/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Status codes, the text of the last error, and the version. */
#ifndef MINRNN_STATUS_H
#define MINRNN_STATUS_H

#include <minrnn/export.h>

MINRNN_BEGIN_DECLS

/** The major version of these headers; minrnn_version is the library's. */
#define MINRNN_VERSION_MAJOR 0
/** The minor version of these headers. Until 1.0 a new one may break programs. */
#define MINRNN_VERSION_MINOR 1
/** The patch version of these headers. */
#define MINRNN_VERSION_PATCH 0

/** Every call that can fail returns one of these; 0 is success. Later versions append new ones. */
typedef enum minrnn_status {
    MINRNN_OK = 0,               /**< success */
    MINRNN_INVALID_ARGUMENT = 1, /**< a null, a size, an option or a combination is not allowed */
    MINRNN_OUT_OF_MEMORY = 2,    /**< host or device memory */
    MINRNN_DEVICE_NOT_FOUND = 3, /**< no device of that name, or no OpenCL platform */
    MINRNN_DEVICE_ERROR = 4,     /**< a driver call failed; the text names it and its code */
    MINRNN_BUILD_ERROR = 5,      /**< a kernel did not compile; the text holds the build log */
    MINRNN_IO_ERROR = 6,         /**< a file could not be opened, read or written */
    MINRNN_FORMAT_ERROR = 7,     /**< a file's content is not what it should be */
    MINRNN_UNSUPPORTED = 8,      /**< this build or this device cannot do it */
    MINRNN_NOT_FINITE = 9        /**< a NaN or an infinity was found instead of a number */
} minrnn_status;

/** The constant's name, "MINRNN_OK" and so on; never NULL. */
MINRNN_API const char *minrnn_status_name(minrnn_status status);

/** What went wrong in the last failed call of this thread: the call, the sizes, the driver's code
 * by name, the build log if there is one. Valid until this thread's next failing call; never NULL;
 * "" before the first failure. A call that succeeds leaves it alone. */
MINRNN_API const char *minrnn_error_text(void);

/** The library's version at run time, "major.minor.patch". */
MINRNN_API const char *minrnn_version(void);

MINRNN_END_DECLS

#endif
