/* SPDX-License-Identifier: Apache-2.0 */
/* minrnn generate: text from a model, until it is long enough or a given text comes. */
#include <minrnn/text.h>

#include "cli/commands.h"
#include "cli/prompt.h"
#include "cli/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Tokens of the prompt that go through the model at once. */
enum { PROMPT_PIECE = 64 };

struct generate_arguments {
    const char *model, *prompt, *prompt_file, *stop, *device;
    int64_t length, top_k;
    float temperature;
    uint64_t seed;
};

#define PLACE(field) offsetof(struct generate_arguments, field)
static const struct option options[] = {
    TEXT("model", "M", model, "a model of minrnn train or of a public minGRU implementation"),
    TEXT("prompt", "TEXT", prompt, "the text to continue (default: a newline, not printed)"),
    TEXT("prompt-file", "FILE", prompt_file, "a file with the text to continue; -: standard input"),
    COUNT("length", "N", length, 1, "characters to add; bytes, if the model is of bytes"),
    TEXT("stop", "TEXT", stop, "end just before this text would appear"),
    NUMBER("temperature", "X", temperature, 0,
           "below 1: likelier characters; 0: always the likeliest"),
    COUNT("top-k", "K", top_k, 0, "draw from the K likeliest characters only; 0: from all"),
    SEED("seed", seed, "seeds the draws; same seed, device and build: same text"),
    TEXT("device", "D", device, "where to compute: see minrnn devices"),
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

/* Prints the prompt when the first text comes: by then the model is known to know it. Then prints
 * the text up to where `stop` begins. What may be the beginning of `stop` is held back. */
struct printer {
    const struct prompt *prompt;
    const char *stop; /* "" for none */
    char *held;       /* room for all of `stop` */
    size_t stop_bytes, held_bytes;
    bool begun;
};

static void print_held(struct printer *printer, size_t bytes) {
    fwrite(printer->held, 1, bytes, stdout);
    printer->held_bytes -= bytes;
    memmove(printer->held, printer->held + bytes, printer->held_bytes);
}

/* Whether the text goes on. */
static bool print_byte(struct printer *printer, char byte) {
    if (printer->stop_bytes == 0) {
        fputc(byte, stdout);
        return true;
    }
    printer->held[printer->held_bytes++] = byte;
    while (memcmp(printer->held, printer->stop, printer->held_bytes) != 0) {
        print_held(printer, 1);
    }
    return printer->held_bytes < printer->stop_bytes;
}

static bool print_text(void *user, const char *text, uint64_t bytes) {
    struct printer *printer = user;
    if (!printer->begun) {
        fwrite(printer->prompt->text, 1, printer->prompt->bytes, stdout);
        printer->begun = true;
    }
    bool goes_on = true;
    for (uint64_t i = 0; goes_on && i < bytes; i++) {
        goes_on = print_byte(printer, text[i]);
    }
    if (!goes_on) {
        printer->held_bytes = 0;
    }
    return fflush(stdout) == 0 && goes_on;
}

static minrnn_status print_continuation(const minrnn_model *model, struct printer *printer,
                                        const struct generate_arguments *arguments) {
    minrnn_session *session = NULL;
    minrnn_status status = minrnn_session_create(model, 1, PROMPT_PIECE, &session);
    if (!status) {
        minrnn_sampling sampling;
        minrnn_sampling_defaults(&sampling);
        sampling.temperature = arguments->temperature;
        sampling.top_k = arguments->top_k < INT32_MAX ? (int)arguments->top_k : INT32_MAX;
        sampling.seed = arguments->seed;
        status = minrnn_generate(session, printer->prompt->text, printer->prompt->bytes,
                                 arguments->length, &sampling, print_text, printer);
    }
    minrnn_session_destroy(session);
    if (printer->begun) {
        print_held(printer, printer->held_bytes);
        putchar('\n');
    }
    return status;
}

/* Whether the model knows all of the prompt; if not, says where it came from. */
static int check_prompt(const minrnn_model *model, const struct prompt *prompt, const char *file) {
    minrnn_vocabulary *vocabulary = NULL;
    int64_t count;
    minrnn_status status = minrnn_model_get_vocabulary(model, &vocabulary);
    if (status) {
        return report_library(status);
    }
    if (vocabulary) {
        status = minrnn_vocabulary_encode(vocabulary, prompt->text, prompt->bytes, NULL, 0, &count);
    }
    minrnn_vocabulary_destroy(vocabulary);
    if (!status) {
        return 0;
    }
    return report_failure("%s: %s", file ? file : "--prompt", minrnn_error_text());
}

static int generate(const minrnn_model *model, const struct prompt *prompt,
                    const struct generate_arguments *arguments) {
    const char *stop = arguments->stop ? arguments->stop : "";
    struct printer printer = {.prompt = prompt, .stop = stop, .stop_bytes = strlen(stop)};
    const int code = check_prompt(model, prompt, arguments->prompt_file);
    if (code) {
        return code;
    }
    printer.held = malloc(printer.stop_bytes + 1);
    if (!printer.held) {
        return report_failure("out of memory");
    }
    const minrnn_status status = print_continuation(model, &printer, arguments);
    free(printer.held);
    return status ? report_library(status) : 0;
}

/* The text of --prompt or --prompt-file, if one is given. */
static int take_prompt(const struct generate_arguments *arguments, struct prompt *prompt) {
    if (arguments->prompt_file) {
        return prompt_read(arguments->prompt_file, prompt);
    }
    if (arguments->prompt) {
        prompt->bytes = strlen(arguments->prompt);
        prompt->text = strdup(arguments->prompt);
        return prompt->text ? 0 : report_failure("out of memory");
    }
    return 0;
}

static int load_and_generate(minrnn_device *device, const struct generate_arguments *arguments) {
    struct prompt prompt = {0};
    minrnn_model *model = NULL;
    int code = take_prompt(arguments, &prompt);
    if (!code) {
        const minrnn_status status = minrnn_model_load(device, arguments->model, &model);
        code = status ? report_library(status) : generate(model, &prompt, arguments);
    }
    minrnn_model_destroy(model);
    free(prompt.text);
    return code;
}

static int run(int argc, char **argv) {
    minrnn_sampling sampling;
    minrnn_sampling_defaults(&sampling);
    struct generate_arguments arguments = {
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
    if (arguments.prompt && arguments.prompt_file) {
        return report_wrong_use("generate takes --prompt or --prompt-file, not both");
    }
    minrnn_device *device = NULL;
    const minrnn_status status = minrnn_device_open(arguments.device, &device);
    if (status) {
        return report_setup(status);
    }
    code = load_and_generate(device, &arguments);
    minrnn_device_destroy(device);
    return code;
}
