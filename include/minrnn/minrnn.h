/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * minrnn: minGRU and minLSTM, trained and run on any OpenCL device and on the CPU.
 * Everything but opencl.h, which needs the OpenCL headers. */

/** @mainpage minrnn
 * minGRU and minLSTM, trained and run on any OpenCL device and on the CPU. The library has three
 * levels, and a program may use any of them:
 *
 * 1. the scan on your own buffers: scan.h;
 * 2. a sequence mixer as a layer in your own model: mixer.h;
 * 3. language models: model.h, their training in trainer.h, their use in session.h and evaluator.h.
 *
 * Batches are described in batch.h, where they come from in task.h and text.h; preset.h has whole
 * set-ups under a name. All levels work on devices (device.h) and say what went wrong (status.h).
 * Any device can be asked whether it computes right (check.h) and how fast it is (bench.h); an
 * OpenCL device can be tuned (tune.h). opencl.h shares OpenCL objects with your program. Settings
 * can be reached by name (setting.h).
 * How structs grow from version to version is said in export.h. */
#ifndef MINRNN_MINRNN_H
#define MINRNN_MINRNN_H

#include <minrnn/batch.h>
#include <minrnn/bench.h>
#include <minrnn/check.h>
#include <minrnn/device.h>
#include <minrnn/evaluator.h>
#include <minrnn/mixer.h>
#include <minrnn/model.h>
#include <minrnn/preset.h>
#include <minrnn/scan.h>
#include <minrnn/session.h>
#include <minrnn/setting.h>
#include <minrnn/status.h>
#include <minrnn/task.h>
#include <minrnn/text.h>
#include <minrnn/trainer.h>
#include <minrnn/tune.h>

#endif
