/* SPDX-License-Identifier: Apache-2.0 */
/* Level 3: a character model that learns a text and continues it.
 *
 *     train [FILE [STEPS]]
 */
#include <minrnn/minrnn.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 16, TIME = 64 };

#define TRY(call)                                                                                  \
    do {                                                                                           \
        if ((call) != MINRNN_OK) {                                                                 \
            fprintf(stderr, "%s\n", minrnn_error_text());                                          \
            goto done;                                                                             \
        }                                                                                          \
    } while (0)

/* Learnt if no file is given. */
static const char verse[] = "The woods are lovely, dark and deep,\nBut I have promises to keep,\n"
                            "And miles to go before I sleep,\nAnd miles to go before I sleep.\n\n";

/* BATCH random windows of the text; the target of each token is the one after it. */
static void draw_batch(const int32_t *text, int64_t length, int32_t *tokens, int32_t *targets) {
    for (int b = 0; b < BATCH; b++) {
        const int64_t start = rand() % (length - TIME);
        memcpy(tokens + b * TIME, text + start, TIME * sizeof *tokens);
        memcpy(targets + b * TIME, text + start + 1, TIME * sizeof *targets);
    }
}

static bool print(void *user, const char *text, uint64_t bytes) {
    (void)user;
    return fwrite(text, 1, bytes, stdout) == bytes;
}

/* The file's content, or the verse; to be freed. */
static char *read_text(const char *path) {
    enum { MOST = 1 << 24 };
    char *text = calloc(MOST, 1);
    FILE *file = path ? fopen(path, "rb") : NULL;
    if (text && file) {
        (void)!fread(text, 1, MOST - 1, file);
    } else if (text && !path) {
        memcpy(text, verse, sizeof verse);
    }
    if (file) {
        fclose(file);
    }
    return text;
}

int main(int argc, char **argv) {
    int result = 1;
    minrnn_vocabulary *vocabulary = NULL;
    minrnn_device *device = NULL;
    minrnn_model *model = NULL;
    minrnn_trainer *trainer = NULL;
    minrnn_session *session = NULL;
    int32_t *tokens = NULL;

    /* Text to tokens. */
    char *text = read_text(argc > 1 ? argv[1] : NULL);
    int64_t length = 0;
    if (!text || strlen(text) <= TIME) {
        fprintf(stderr, "there is no text, or too little of it\n");
        goto done;
    }
    TRY(minrnn_vocabulary_create(text, strlen(text), false, &vocabulary));
    TRY(minrnn_vocabulary_encode(vocabulary, text, strlen(text), NULL, 0, &length));
    tokens = malloc((size_t)length * sizeof *tokens);
    if (!tokens) {
        goto done;
    }
    TRY(minrnn_vocabulary_encode(vocabulary, text, strlen(text), tokens, length, &length));

    /* A minGRU of two layers, and its trainer. */
    minrnn_model_config config;
    minrnn_model_config_defaults(&config);
    config.vocab = minrnn_vocabulary_size(vocabulary);
    minrnn_trainer_config training;
    minrnn_trainer_config_defaults(&training);
    training.batch = BATCH;
    training.time = TIME;
    training.rate = 3e-3f;
    TRY(minrnn_device_open(NULL, &device));
    TRY(minrnn_model_create(device, &config, 1, &model));
    TRY(minrnn_model_set_vocabulary(model, vocabulary));
    TRY(minrnn_trainer_create(model, &training, &trainer));

    const int steps = argc > 2 ? atoi(argv[2]) : 200;
    int32_t inputs[BATCH * TIME], targets[BATCH * TIME];
    minrnn_batch batch;
    minrnn_batch_defaults(&batch);
    batch.batch = BATCH;
    batch.time = TIME;
    batch.tokens = inputs;
    batch.targets = targets;
    for (int step = 1; step <= steps; step++) {
        draw_batch(tokens, length, inputs, targets);
        TRY(minrnn_trainer_step(trainer, &batch));

        minrnn_step_record record;
        bool there;
        TRY(minrnn_trainer_record(trainer, step == steps, &record, &there));
        if (there && record.step % 20 == 0) {
            printf("step %lld: loss %.3f\n", (long long)record.step, (double)record.loss);
        }
    }

    /* The text's first characters, continued. */
    minrnn_sampling sampling;
    minrnn_sampling_defaults(&sampling);
    sampling.temperature = 0.5f;
    char prompt[8] = {0};
    minrnn_vocabulary_decode(vocabulary, tokens[0], prompt);
    TRY(minrnn_session_create(model, 1, 1, &session));
    fputs(prompt, stdout);
    TRY(minrnn_generate(session, prompt, strlen(prompt), 200, &sampling, print, NULL));
    putchar('\n');
    result = 0;

done:
    minrnn_session_destroy(session);
    minrnn_trainer_destroy(trainer);
    minrnn_model_destroy(model);
    minrnn_device_destroy(device);
    minrnn_vocabulary_destroy(vocabulary);
    free(tokens);
    free(text);
    return result;
}
