#include "cli/commands.h"
#include "cli/report.h"

#include <minrnn/session.h>

#include <stdio.h>

/* Tokens of the prompt that go through the model at once. */
enum { PROMPT_PIECE = 64 };

struct generate_arguments {
    const char *model, *prompt, *device;
    int64_t length, top_k;
    float temperature;
    uint64_t seed;
};

#define PLACE(field) offsetof(struct generate_arguments, field)
static const struct option options[] = {
    {"model", "M", "a model of minrnn train, or one of a public minGRU implementation's",
     OPTION_TEXT, PLACE(model), 0, NULL},
    {"prompt", "TEXT", "what is continued", OPTION_TEXT, PLACE(prompt), 0, NULL},
    {"length", "N", "characters to add", OPTION_COUNT, PLACE(length), 1, NULL},
    {"temperature", "X", "below 1: likelier characters; 0: always the likeliest", OPTION_NUMBER,
     PLACE(temperature), 0, NULL},
    {"top-k", "K", "only among the K likeliest characters; 0: all", OPTION_COUNT, PLACE(top_k), 0,
     NULL},
    {"seed", "S", "of the draws: the same text again on the same device with the same build",
     OPTION_SEED, PLACE(seed), 0, NULL},
    {"device", "D", "where to compute: see minrnn devices", OPTION_TEXT, PLACE(device), 0, NULL},
    {0},
};

static int run(int argc, char **argv);

const struct command command_generate = {
    .name = "generate",
    .summary = "text from a model",
    .notes = "\nThe prompt and what follows it go to standard output.\n",
    .options = options,
    .run = run,
};

/* The prompt is printed when the first text comes: by then it is known to be the model's. */
struct printer {
    const char *prompt;
    bool begun;
};

static bool print_text(void *user, const char *text) {
    struct printer *printer = user;
    if (!printer->begun) {
        fputs(printer->prompt, stdout);
        printer->begun = true;
    }
    fputs(text, stdout);
    return fflush(stdout) == 0;
}

static int generate(const minrnn_model *model, const struct generate_arguments *arguments) {
    minrnn_session *session = NULL;
    minrnn_status status = minrnn_session_create(model, 1, PROMPT_PIECE, &session);
    if (!status) {
        const minrnn_sampling sampling = {
            .temperature = arguments->temperature,
            .top_k = arguments->top_k < INT32_MAX ? (int)arguments->top_k : INT32_MAX,
            .seed = arguments->seed,
        };
        struct printer printer = {.prompt = arguments->prompt};
        status = minrnn_generate(session, arguments->prompt, arguments->length, &sampling,
                                 print_text, &printer);
        if (printer.begun) {
            putchar('\n');
        }
    }
    minrnn_session_destroy(session);
    return status ? report_library(status) : 0;
}

static int run(int argc, char **argv) {
    minrnn_sampling sampling;
    minrnn_sampling_defaults(&sampling);
    struct generate_arguments arguments = {
        .prompt = "\n",
        .length = 500,
        .top_k = sampling.top_k,
        .temperature = sampling.temperature,
        .seed = sampling.seed,
    };
    int code = 0;
    if (!arguments_parse(&command_generate, argc, argv, &arguments, &code)) {
        return code;
    }
    if (!arguments.model) {
        return report_wrong_use("generate needs --model M (see minrnn generate --help)");
    }
    minrnn_device *device = NULL;
    minrnn_status status = minrnn_device_open(arguments.device, &device);
    if (status) {
        return report_setup(status);
    }
    minrnn_model *model = NULL;
    status = minrnn_model_load(device, arguments.model, &model);
    code = status ? report_library(status) : generate(model, &arguments);
    minrnn_model_destroy(model);
    minrnn_device_destroy(device);
    return code;
}
