/* SPDX-License-Identifier: Apache-2.0 */
/* The loop: steps, records, evaluations and saves, until the end or a signal. */
#include "cli/training.h"

#include "cli/best.h"
#include "cli/describe.h"
#include "cli/log.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "cli/samples.h"
#include "cli/signals.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_stopped(void) {
    return signals_asked() != 0;
}

static const struct evaluation not_evaluated = {.loss = NAN, .accuracy = NAN};

/* What a run has at hand, and how far it is. */
struct run {
    const struct training *training;
    minrnn_trainer_config config;
    int64_t tokens_per_step;
    minrnn_loader *loader;     /* of all micro-batches of a step */
    minrnn_loader *evaluation; /* of one batch */
    struct log *log;
    struct progress progress;
    minrnn_step_record record; /* the newest */
    bool is_pending;           /* its line is not in the log: its step may still be evaluated */
    double record_speed;
    struct evaluation validation; /* of the record's step */
    struct best best;
    struct samples samples;
    int64_t trained;      /* steps of this run whose records are in */
    double train_seconds; /* spent on steps, up to the newest record */
    double resumed_clock; /* when the time that is not yet in train_seconds began */
    int64_t saved;        /* the step of the last save; -1: none yet */
};

static int fail_run(struct run *run, minrnn_status status) {
    progress_end(&run->progress);
    return status == MINRNN_NOT_FINITE
               ? report_failure("%s%s; a lower --rate may help, and the last save stands",
                                minrnn_error_text(),
                                run->config.check_numbers ? "" : " (--check-numbers)")
               : report_library(status);
}

static int fail_log(struct run *run) {
    const char *reason = strerror(errno);
    progress_end(&run->progress);
    return report_failure("cannot write %s: %s", run->training->log, reason);
}

static int write_record(struct run *run) {
    if (!run->is_pending) {
        return 0;
    }
    run->is_pending = false;
    return log_write(run->log, &run->record, run->record_speed, &run->validation) ? 0
                                                                                  : fail_log(run);
}

/* A step took from the end of the one before, or from the end of a pause, to its own. */
static int note_record(struct run *run, const minrnn_step_record *record) {
    const double seconds = record->seconds - run->resumed_clock;
    run->resumed_clock = record->seconds;
    run->train_seconds += seconds;
    run->trained++;
    run->record = *record;
    run->record_speed = seconds > 0 ? (double)run->tokens_per_step / seconds : 0;
    run->validation = not_evaluated;
    run->is_pending = true;
    const bool is_newest = record->step == minrnn_trainer_steps(run->training->trainer);
    return is_newest ? 0 : write_record(run);
}

/* Takes the records that are there, or with `wait` all there will be. */
static int take_records(struct run *run, bool wait) {
    for (;;) {
        minrnn_step_record record;
        bool there = false;
        const minrnn_status status =
            minrnn_trainer_record(run->training->trainer, wait, &record, &there);
        if (status) {
            return fail_run(run, status);
        }
        const int code = there ? note_record(run, &record) : 0;
        if (code || !there) {
            return code;
        }
    }
}

static void show_progress(struct run *run) {
    if (run->trained > 0) {
        const double tokens = (double)(run->trained * run->tokens_per_step);
        progress_show(
            &run->progress,
            &(struct progress_point){
                .step = run->record.step,
                .loss = (double)run->record.loss,
                .validation = best_value(&run->best, &run->validation),
                .by_accuracy = run->best.measure == MINRNN_MEASURE_ACCURACY,
                .tokens_per_second = run->train_seconds > 0 ? tokens / run->train_seconds : 0,
            });
    }
}

static bool keeps_track(const struct training *training) {
    return training->keep_best || training->stop_accuracy > 0;
}

/* What a resumed run must know is in the model before it is saved. */
static int note_evaluation(struct run *run) {
    const struct training *training = run->training;
    const bool is_best =
        best_note(&run->best, &run->validation, minrnn_trainer_steps(training->trainer));
    minrnn_status status =
        keeps_track(training) ? best_keep(&run->best, training->model) : MINRNN_OK;
    if (!status && is_best && training->keep_best) {
        status = minrnn_model_save(training->model, training->out);
    }
    return status ? fail_run(run, status) : 0;
}

static int evaluate(struct run *run) {
    struct evaluation evaluation;
    const struct training *training = run->training;
    const minrnn_status status =
        evaluate_split((struct evaluates){.trainer = training->trainer}, run->evaluation,
                       MINRNN_SPLIT_VALIDATION, training->eval_batches, is_stopped, &evaluation);
    if (status) {
        return fail_run(run, status);
    }
    if (is_stopped() || evaluation.targets == 0) {
        return 0;
    }
    run->validation = evaluation;
    return note_evaluation(run);
}

/* The state first: it alone is what a run goes on from. */
static int save(struct run *run) {
    const struct training *training = run->training;
    minrnn_status status = MINRNN_OK;
    if (training->state) {
        status = minrnn_trainer_save(training->trainer, training->state);
    }
    if (!status && (!training->keep_best || run->best.step < 0)) {
        status = minrnn_model_save(training->model, training->out);
    }
    if (status) {
        return fail_run(run, status);
    }
    run->saved = minrnn_trainer_steps(training->trainer);
    return 0;
}

static int step(struct run *run) {
    const struct training *training = run->training;
    const int64_t done = minrnn_trainer_steps(training->trainer);
    const minrnn_batch *batch;
    minrnn_status status =
        minrnn_loader_draw(run->loader, run->config.seed, (uint64_t)done, &batch);
    if (!status) {
        status = minrnn_trainer_step(training->trainer, batch);
    }
    if (status) {
        return fail_run(run, status);
    }
    return 0;
}

static bool is_due(int64_t every, int64_t done, int64_t steps) {
    return done == steps || (every > 0 && done % every == 0);
}

static int sample(struct run *run) {
    progress_end(&run->progress);
    const minrnn_status status =
        samples_print(&run->samples, minrnn_trainer_steps(run->training->trainer));
    return status ? fail_run(run, status) : 0;
}

/* After a step: its evaluation, its sample and its save, if they are due. Their time is not
 * training's. */
static int pause_training(struct run *run, int64_t done) {
    const struct training *training = run->training;
    const bool evaluates = is_due(training->eval_every, done, training->steps);
    const bool saves = is_due(training->save_every, done, training->steps);
    const bool samples = training->sample_every > 0 && done % training->sample_every == 0;
    int code = take_records(run, evaluates || samples || saves);
    if (!code && evaluates && !is_stopped()) {
        code = evaluate(run);
    }
    if (code) {
        return code;
    }
    show_progress(run);
    code = write_record(run);
    if (!code && samples && !is_stopped()) {
        code = sample(run);
    }
    if (!code && saves) {
        code = save(run);
    }
    if (evaluates || samples || saves) {
        run->resumed_clock = clock_seconds();
    }
    return code;
}

static int train(struct run *run) {
    const struct training *training = run->training;
    int code = 0;
    int64_t done = minrnn_trainer_steps(training->trainer);
    while (!code && done < training->steps && !is_stopped() && !best_is_enough(&run->best)) {
        code = step(run);
        done = minrnn_trainer_steps(training->trainer);
        if (!code) {
            code = pause_training(run, done);
        }
    }
    if (!code) {
        code = take_records(run, true);
    }
    if (!code) {
        code = write_record(run);
    }
    if (!code && run->saved != done) {
        code = save(run);
    }
    progress_end(&run->progress);
    return code;
}

static void print_validation(const struct run *run) {
    const struct best *best = &run->best;
    const double value = best_value(best, &run->validation);
    const bool by_accuracy = best->measure == MINRNN_MEASURE_ACCURACY;
    if (!isnan(value)) {
        printf(by_accuracy ? ", validation %.2f %% right" : ", validation %.4f",
               by_accuracy ? 100 * value : value);
    }
    if (best->step >= 0) {
        printf(by_accuracy ? " (best %.2f %% at step %" PRId64 ")"
                           : " (best %.4f at step %" PRId64 ")",
               by_accuracy ? 100 * best->value : best->value, best->step);
    }
}

static void print_summary(const struct run *run) {
    const struct training *training = run->training;
    char time[DESCRIBE_CAPACITY], tokens[DESCRIBE_CAPACITY], speed[DESCRIBE_CAPACITY];
    const int64_t total = run->trained * run->tokens_per_step;
    const double seconds = run->train_seconds;
    if (is_stopped()) {
        printf("stopped  by signal %d at step %" PRId64 " of %" PRId64 "\n", signals_asked(),
               minrnn_trainer_steps(training->trainer), training->steps);
    }
    if (best_is_enough(&run->best)) {
        printf("reached  %g %% right at evaluations in a row, at step %" PRId64 "\n",
               100 * (double)training->stop_accuracy, minrnn_trainer_steps(training->trainer));
    }
    printf("trained  %" PRId64 " steps, %s tokens in %s (%.1f s), %s tokens/s\n", run->trained,
           describe_count(total, tokens), describe_seconds(seconds, time), seconds,
           describe_count(seconds > 0 ? (int64_t)((double)total / seconds) : 0, speed));
    if (run->trained > 0) {
        printf("loss     %.4f at step %" PRId64, (double)run->record.loss, run->record.step);
        print_validation(run);
        putchar('\n');
    }
    printf("written  %s", training->out);
    if (training->state) {
        printf(", %s", training->state);
    }
    if (training->log) {
        printf(", %s", training->log);
    }
    putchar('\n');
}

static int open_loaders(struct run *run) {
    const minrnn_trainer_config *config = &run->config;
    const minrnn_task *task = run->training->task;
    minrnn_status status = minrnn_loader_create(task, config->accumulation * config->batch,
                                                config->time, &run->loader);
    if (!status) {
        status = minrnn_loader_create(task, config->batch, config->time, &run->evaluation);
    }
    return status ? report_library(status) : 0;
}

int training_run(const struct training *training) {
    struct run run = {.training = training,
                      .validation = not_evaluated,
                      .best = {.measure = minrnn_task_measure(training->task),
                               .enough = training->stop_accuracy,
                               .step = -1},
                      .saved = -1};
    minrnn_status status = minrnn_trainer_get_config(training->trainer, &run.config);
    if (!status && training->sample_every > 0) {
        status = samples_create(&run.samples, training->model);
    }
    if (status) {
        return report_setup(status);
    }
    if (keeps_track(training)) {
        best_restore(&run.best, training->model);
    }
    run.tokens_per_step = run.config.accumulation * run.config.batch * run.config.time;
    int code = open_loaders(&run);
    const int64_t first = minrnn_trainer_steps(training->trainer);
    if (!code) {
        code = log_open(training->log, training->resume, first, &run.log);
    }
    if (!code) {
        signals_catch();
        progress_start(&run.progress, first, training->steps);
        run.resumed_clock = clock_seconds();
        code = train(&run);
    }
    if (!log_close(run.log) && !code) {
        code = fail_log(&run);
    }
    if (!code) {
        print_summary(&run);
        code = is_stopped() ? EXIT_SIGNALLED + signals_asked() : 0;
    }
    samples_destroy(&run.samples);
    minrnn_loader_destroy(run.loader);
    minrnn_loader_destroy(run.evaluation);
    return code;
}
