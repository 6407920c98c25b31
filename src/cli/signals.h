/* SPDX-License-Identifier: Apache-2.0 */
/* Signals that ask training to end, and readers that go away. */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

/* From here on a write to a pipe without a reader fails, and does not end the process. */
void signals_outlive_readers(void);

/* From here on SIGINT, SIGTERM and SIGHUP only ask; those that the caller ignores stay ignored. A
 * second SIGINT or SIGTERM ends the process at once. A second SIGHUP does not: a terminal that goes
 * away sends several. */
void signals_catch(void);

/* The signal that asked first, 0 while none has. */
int signals_asked(void);

/* Puts back what was there before. */
void signals_restore(void);

#endif
