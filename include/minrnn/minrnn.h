/* SPDX-License-Identifier: Apache-2.0 */
/* minrnn: minGRU and minLSTM, trained and run on any OpenCL device and on the CPU.
 * Everything but opencl.h, which needs the OpenCL headers. */
#ifndef MINRNN_MINRNN_H
#define MINRNN_MINRNN_H

#include <minrnn/batch.h>
#include <minrnn/check.h>
#include <minrnn/device.h>
#include <minrnn/evaluator.h>
#include <minrnn/mixer.h>
#include <minrnn/model.h>
#include <minrnn/scan.h>
#include <minrnn/session.h>
#include <minrnn/setting.h>
#include <minrnn/status.h>
#include <minrnn/task.h>
#include <minrnn/text.h>
#include <minrnn/trainer.h>

#endif
