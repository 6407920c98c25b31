/* The training log: a CSV file with one line a step. */
#ifndef CLI_LOG_H
#define CLI_LOG_H

#include <minrnn/trainer.h>

struct log;

/* Starts a log at `path`; with `resumed` > 0 what is there is kept up to that step and continued.
 * NULL as path gives no log, which the other calls allow. Returns 0 or, having reported, an exit
 * code. */
int log_open(const char *path, int64_t resumed, struct log **log);

/* False where the file cannot be written, errno saying why. */
bool log_write(struct log *log, const minrnn_step_record *record, double tokens_per_second,
               double validation_loss); /* NAN: none */
bool log_flush(struct log *log);
bool log_close(struct log *log);

#endif
