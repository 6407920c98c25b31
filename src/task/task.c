/* The tasks there are. */
#include <minrnn/text.h>

static const struct {
    const char *name, *help;
} tasks[] = {{"text", "what comes next in the text"}};
enum { TASKS = sizeof tasks / sizeof *tasks };

const char *minrnn_task_name(int index) {
    return index >= 0 && index < TASKS ? tasks[index].name : NULL;
}

const char *minrnn_task_help(int index) {
    return index >= 0 && index < TASKS ? tasks[index].help : NULL;
}
