/* SPDX-License-Identifier: Apache-2.0 */
/* The list of tasks: what they are called, their settings, and a task's configuration. */
#include "base/status.h"
#include "layer/setting.h"
#include "task/task.h"

#include <stdio.h>
#include <string.h>

#define TASK(name) &task_##name,
static const struct task_kind *const kinds[] = {
#include "task/task_list.def"
};
enum { KINDS = sizeof kinds / sizeof *kinds };

#define TASK(name) #name,
static const char *const names[KINDS + 1] = {
#include "task/task_list.def"
};

_Static_assert(SETTING_NAME_BYTES == sizeof((minrnn_task_config *)0)->name &&
                   (int)SETTINGS_ROOM == (int)MINRNN_TASK_ROOM &&
                   SETTINGS_ROOM == sizeof((minrnn_task_config *)0)->settings,
               "a task's room is what settings are kept in");

/* The name need not end. */
static const struct task_kind *find(const char name[SETTING_NAME_BYTES]) {
    for (int i = 0; i < KINDS; i++) {
        if (strncmp(name, kinds[i]->name, SETTING_NAME_BYTES) == 0) {
            return kinds[i];
        }
    }
    return NULL;
}

static const struct settings none = {.what = "task"};

static const struct settings *own(const void *config, size_t *room) {
    const struct task_kind *kind = find(((const minrnn_task_config *)config)->name);
    *room = offsetof(minrnn_task_config, settings);
    return !kind ? NULL : kind->settings ? kind->settings : &none;
}

static const struct setting rows[] = {
    {SETTING_NAME("name", names, 0, "what is learnt"), SETTING_AT(minrnn_task_config, name),
     .own = own},
};
const struct settings task_settings = SETTINGS("task", rows, minrnn_task_config);

const char *minrnn_task_name(int index) {
    return index >= 0 && index < KINDS ? names[index] : NULL;
}

const char *minrnn_task_help(int index) {
    return index >= 0 && index < KINDS ? kinds[index]->help : NULL;
}

const minrnn_setting *minrnn_task_setting(const char *task, int index) {
    for (int i = 0; task && i < KINDS; i++) {
        if (strcmp(task, names[i]) == 0) {
            return kinds[i]->settings ? settings_at(kinds[i]->settings, index) : NULL;
        }
    }
    return NULL;
}

minrnn_status minrnn_task_config_init(const char *name, minrnn_task_config *config, size_t size) {
    if (!name || !config) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_task_config_defaults: an argument is NULL");
    }
    minrnn_task_config made;
    const minrnn_status status = settings_defaults_of(&task_settings, name, &made);
    if (!status) {
        settings_give(&task_settings, &made, config, size);
    }
    return status;
}

minrnn_status minrnn_task_set(minrnn_task_config *config, const char *name, const char *value) {
    return settings_set(&task_settings, config, name, value);
}

minrnn_status minrnn_task_get(const minrnn_task_config *config, const char *name, char *value,
                              size_t capacity) {
    return settings_get(&task_settings, config, name, value, capacity);
}

minrnn_status minrnn_task_create(const minrnn_task_config *config, minrnn_task **task) {
    if (!config || !task) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_task_create: an argument is NULL");
    }
    *task = NULL;
    minrnn_task_config own_config;
    settings_defaults(&task_settings, &own_config);
    minrnn_status status = settings_take(&task_settings, config, &own_config);
    status = status ? status : settings_check(&task_settings, &own_config);
    if (status) {
        return status;
    }
    const struct task_kind *kind = find(own_config.name);
    return kind->create ? kind->create(kind, &own_config, task)
                        : fail(MINRNN_INVALID_ARGUMENT,
                               "minrnn_task_create: %s is made by a call of its own", kind->name);
}

/* ---- in a model's metadata: the name, then name=value of each setting, a space before each ----
 */

static const char key[] = "task";
enum { KEPT = 1024 };

minrnn_status task_keep(const minrnn_task_config *config, minrnn_model *model) {
    char text[KEPT];
    int used = snprintf(text, sizeof text, "%s", config->name);
    struct settings_walk walk = settings_walk(&task_settings, config);
    while (settings_next(&walk) && used < KEPT) {
        if (!walk.setting->own) {
            char value[MINRNN_SETTING_TEXT];
            setting_print(walk.setting, setting_load(&walk, config), value);
            used += snprintf(text + used, (size_t)(KEPT - used), " %s=%s", walk.setting->shown.name,
                             value);
        }
    }
    return used < KEPT ? minrnn_model_set_metadata(model, key, text)
                       : fail(MINRNN_INVALID_ARGUMENT, "the task's settings are too long");
}

/* `word` is changed. */
static minrnn_status read_word(char *word, minrnn_task_config *config) {
    char *value = strchr(word, '=');
    if (!value) {
        return fail(MINRNN_FORMAT_ERROR, "\"%.64s\" is no setting", word);
    }
    *value = '\0';
    return minrnn_task_set(config, word, value + 1);
}

static minrnn_status read_kept(char *text, minrnn_task_config *config) {
    char *rest = NULL;
    const char *name = strtok_r(text, " ", &rest);
    minrnn_status status = minrnn_task_config_init(name ? name : "", config, sizeof *config);
    for (char *word; !status && (word = strtok_r(NULL, " ", &rest));) {
        status = read_word(word, config);
    }
    return status;
}

minrnn_status minrnn_model_get_task_sized(const minrnn_model *model, minrnn_task_config *config,
                                          size_t size) {
    if (!model || !config) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_model_get_task: an argument is NULL");
    }
    const char *kept = minrnn_model_metadata(model, key);
    char text[KEPT];
    const int length = snprintf(text, sizeof text, "%s", kept ? kept : task_text.name);
    minrnn_task_config own_config;
    const minrnn_status status =
        length < KEPT ? read_kept(text, &own_config) : fail(MINRNN_FORMAT_ERROR, "it is too long");
    if (status) {
        return fail_in(MINRNN_FORMAT_ERROR, "the model's task is not understood");
    }
    settings_give(&task_settings, &own_config, config, size);
    return MINRNN_OK;
}
