#include "cli/training.h"

#include "cli/describe.h"
#include "cli/evaluate.h"
#include "cli/log.h"
#include "cli/progress.h"
#include "cli/report.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A signal handler can reach nothing else. */
static volatile sig_atomic_t stop_signal;

static void on_signal(int number) {
    stop_signal = number;
}

static bool is_stopped(void) {
    return stop_signal != 0;
}

/* The first signal asks the loop to end; a second one finds the default action back in place. */
static void catch_signals(void) {
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

/* What a run has at hand, and how far it is. */
struct run {
    const struct training *training;
    minrnn_trainer_config config;
    int64_t tokens_per_step;
    int32_t *tokens, *targets; /* [accumulation, batch, time] */
    int32_t *reset;            /* the same; NULL with one document */
    struct log *log;
    struct progress progress;
    /* The newest record, written to the log when the next one comes: until then its step may still
     * be evaluated. */
    minrnn_step_record record;
    bool has_record;
    double record_speed;
    double validation; /* of the record's step; NAN: none */
    double best_validation;
    int64_t best_step;
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
    if (!run->has_record) {
        return 0;
    }
    run->has_record = false;
    return log_write(run->log, &run->record, run->record_speed, run->validation) ? 0
                                                                                 : fail_log(run);
}

/* Takes the records that are there, or with `wait` all there will be. Those taken at once share the
 * time since the last ones. */
static int take_records(struct run *run, bool wait) {
    minrnn_step_record records[4];
    int count = 0;
    for (bool there = true; there && count < 4; count += there) {
        const minrnn_status status =
            minrnn_trainer_record(run->training->trainer, wait, &records[count], &there);
        if (status) {
            return fail_run(run, status);
        }
    }
    if (count == 0) {
        return 0;
    }
    const double now = clock_seconds();
    const double seconds = now - run->resumed_clock;
    run->resumed_clock = now;
    run->train_seconds += seconds;
    run->trained += count;
    for (int i = 0; i < count; i++) {
        const int code = write_record(run);
        if (code) {
            return code;
        }
        run->record = records[i];
        run->has_record = true;
        run->record_speed = seconds > 0 ? (double)(run->tokens_per_step * count) / seconds : 0;
        run->validation = NAN;
    }
    return 0;
}

static void show_progress(struct run *run) {
    if (run->has_record) {
        const double tokens = (double)(run->trained * run->tokens_per_step);
        progress_show(
            &run->progress,
            &(struct progress_point){
                .step = run->record.step,
                .loss = (double)run->record.loss,
                .validation = run->validation,
                .tokens_per_second = run->train_seconds > 0 ? tokens / run->train_seconds : 0,
            });
    }
}

static int evaluate(struct run *run) {
    struct evaluation evaluation;
    const struct training *training = run->training;
    const minrnn_status status = evaluate_split(
        training->trainer, training->text, MINRNN_SPLIT_VALIDATION, training->eval_batches,
        run->tokens, run->targets, run->reset, is_stopped, &evaluation);
    if (status) {
        return fail_run(run, status);
    }
    if (is_stopped() || evaluation.characters == 0) {
        return 0;
    }
    run->validation = evaluation.loss;
    if (run->best_step < 0 || evaluation.loss < run->best_validation) {
        run->best_validation = evaluation.loss;
        run->best_step = minrnn_trainer_steps(training->trainer);
    }
    return 0;
}

/* The state first: it alone is what a run goes on from. */
static int save(struct run *run) {
    const struct training *training = run->training;
    const int code = write_record(run);
    if (code) {
        return code;
    }
    if (!log_flush(run->log)) {
        return fail_log(run);
    }
    minrnn_status status = MINRNN_OK;
    if (training->state) {
        status = minrnn_trainer_save(training->trainer, training->state);
    }
    if (!status) {
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
    minrnn_status status =
        minrnn_text_batch(training->text, MINRNN_SPLIT_TRAIN, run->config.seed, (uint64_t)done,
                          run->config.accumulation * run->config.batch, run->config.time,
                          run->tokens, run->targets, run->reset);
    if (!status) {
        status =
            minrnn_trainer_step(training->trainer, run->tokens, run->targets, run->reset, NULL);
    }
    if (status) {
        return fail_run(run, status);
    }
    return 0;
}

static bool is_due(int64_t every, int64_t done, int64_t steps) {
    return done == steps || (every > 0 && done % every == 0);
}

/* After a step: its evaluation and its save, where they are due. Their time is not training's. */
static int pause_training(struct run *run, int64_t done) {
    const struct training *training = run->training;
    const bool evaluates = is_due(training->eval_every, done, training->steps);
    const bool saves = is_due(training->save_every, done, training->steps);
    int code = take_records(run, evaluates || saves);
    if (!code && evaluates && !is_stopped()) {
        code = evaluate(run);
    }
    if (code) {
        return code;
    }
    show_progress(run);
    if (saves) {
        code = save(run);
    }
    if (evaluates || saves) {
        run->resumed_clock = clock_seconds();
    }
    return code;
}

static int train(struct run *run) {
    const struct training *training = run->training;
    int code = 0;
    int64_t done = minrnn_trainer_steps(training->trainer);
    while (!code && done < training->steps && !is_stopped()) {
        code = step(run);
        done = minrnn_trainer_steps(training->trainer);
        if (!code) {
            code = pause_training(run, done);
        }
    }
    if (!code) {
        code = take_records(run, true);
    }
    if (!code && run->saved != done) {
        code = save(run);
    }
    progress_end(&run->progress);
    return code;
}

static void print_summary(const struct run *run) {
    const struct training *training = run->training;
    char time[DESCRIBE_CAPACITY], tokens[DESCRIBE_CAPACITY], speed[DESCRIBE_CAPACITY];
    const int64_t total = run->trained * run->tokens_per_step;
    const double seconds = run->train_seconds;
    if (is_stopped()) {
        printf("stopped  by signal %d at step %" PRId64 " of %" PRId64 "\n", (int)stop_signal,
               minrnn_trainer_steps(training->trainer), training->steps);
    }
    printf("trained  %" PRId64 " steps, %s tokens in %s (%.1f s), %s tokens/s\n", run->trained,
           describe_count(total, tokens), describe_seconds(seconds, time), seconds,
           describe_count(seconds > 0 ? (int64_t)((double)total / seconds) : 0, speed));
    if (run->trained > 0) {
        printf("loss     %.4f at step %" PRId64, (double)run->record.loss, run->record.step);
        if (!isnan(run->validation)) {
            printf(", validation %.4f", run->validation);
        }
        if (run->best_step >= 0) {
            printf(" (best %.4f at step %" PRId64 ")", run->best_validation, run->best_step);
        }
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

int training_run(const struct training *training) {
    struct run run = {.training = training, .validation = NAN, .best_step = -1, .saved = -1};
    const minrnn_status status = minrnn_trainer_get_config(training->trainer, &run.config);
    if (status) {
        return report_library(status);
    }
    run.tokens_per_step = run.config.accumulation * run.config.batch * run.config.time;
    run.tokens = calloc((size_t)run.tokens_per_step, sizeof *run.tokens);
    run.targets = calloc((size_t)run.tokens_per_step, sizeof *run.targets);
    bool enough = run.tokens && run.targets;
    if (minrnn_text_documents(training->text) > 1) {
        run.reset = calloc((size_t)run.tokens_per_step, sizeof *run.reset);
        enough = enough && run.reset;
    }
    int code = enough ? 0 : report_failure("out of memory");
    const int64_t first = minrnn_trainer_steps(training->trainer);
    if (!code) {
        code = log_open(training->log, first, &run.log);
    }
    if (!code) {
        catch_signals();
        progress_start(&run.progress, first, training->steps);
        run.resumed_clock = clock_seconds();
        code = train(&run);
    }
    if (!log_close(run.log) && !code) {
        code = fail_log(&run);
    }
    if (!code) {
        print_summary(&run);
        code = is_stopped() ? EXIT_SIGNALLED + (int)stop_signal : 0;
    }
    free(run.tokens);
    free(run.targets);
    free(run.reset);
    return code;
}
