/* SPDX-License-Identifier: Apache-2.0 */
/* Text from a model: the prompt in calls as large as the session takes, then token by token. */
#include "base/alloc.h"
#include "base/utf8.h"
#include "infer/session.h"
#include "task/vocabulary.h"

#include <math.h>
#include <string.h>

/* Feeds all tokens; logits [vocab] are those after the last. */
static minrnn_status feed(minrnn_session *session, const int32_t *tokens, int64_t count,
                          float *logits) {
    minrnn_status status = MINRNN_OK;
    const int64_t before_last = count - 1;
    for (int64_t done = 0; !status && done < before_last;) {
        const int64_t left = before_last - done;
        const int64_t time = left < session->time ? left : session->time;
        status = minrnn_session_forward(session, time, tokens + done, NULL, NULL);
        done += time;
    }
    return status ? status : minrnn_session_forward(session, 1, tokens + before_last, NULL, logits);
}

/* What was drawn and not given yet: with bytes the first ones of a character. */
struct pieces {
    const minrnn_vocabulary *vocabulary;
    minrnn_on_text on_text;
    void *user;
    char held[2 * UTF8_MAX_BYTES + 1];
    int count;
    bool stopped;
};

/* Gives `bytes` of what is held. */
static void give(struct pieces *pieces, int bytes) {
    if (bytes == 0 || pieces->stopped) {
        return;
    }
    char piece[sizeof pieces->held];
    memcpy(piece, pieces->held, (size_t)bytes);
    piece[bytes] = '\0';
    pieces->count -= bytes;
    memmove(pieces->held, pieces->held + bytes, (size_t)pieces->count);
    pieces->stopped = !pieces->on_text(pieces->user, piece, (uint64_t)bytes);
}

/* Adds a token and gives all but the beginning of a character whose end may still come. */
static void add(struct pieces *pieces, int32_t token) {
    char text[8];
    const int bytes = minrnn_vocabulary_decode(pieces->vocabulary, token, text);
    memcpy(pieces->held + pieces->count, text, (size_t)bytes);
    pieces->count += bytes;
    int ready = 0;
    while (ready < pieces->count) {
        const uint64_t left = (uint64_t)(pieces->count - ready);
        uint32_t code;
        const int length = utf8_decode(pieces->held + ready, left, &code);
        if (length == 0 && utf8_may_begin(pieces->held + ready, left)) {
            break;
        }
        ready += length > 0 ? length : 1;
    }
    give(pieces, ready);
}

/* A model should not give -INFINITY either, though a caller may mask tokens with it. */
static minrnn_status check_logits(const float *logits, int64_t vocab) {
    for (int64_t i = 0; i < vocab; i++) {
        if (!isfinite(logits[i])) {
            return fail(MINRNN_NOT_FINITE, "minrnn_generate: the logit of token %lld is %g",
                        (long long)i, (double)logits[i]);
        }
    }
    return MINRNN_OK;
}

static minrnn_status continue_text(minrnn_session *session, int64_t length,
                                   const minrnn_sampling *sampling, float *logits,
                                   struct pieces *pieces) {
    const int64_t vocab = session->model->layout.config.vocab;
    minrnn_status status = MINRNN_OK;
    for (int64_t i = 0; !status && !pieces->stopped && i < length; i++) {
        int32_t token;
        status = check_logits(logits, vocab);
        status = status ? status : minrnn_sample(sampling, logits, vocab, (uint64_t)i, &token);
        if (status) {
            break;
        }
        add(pieces, token);
        if (i + 1 < length && !pieces->stopped) {
            status = minrnn_session_forward(session, 1, &token, NULL, logits);
        }
    }
    give(pieces, pieces->count);
    return status;
}

static minrnn_status check_generate(const minrnn_session *session, const char *prompt,
                                    uint64_t prompt_bytes, int64_t length,
                                    const minrnn_sampling *sampling, minrnn_on_text on_text) {
    if (!session || (!prompt && prompt_bytes > 0) || !sampling || !on_text) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_generate: an argument is NULL");
    }
    if (session->batch != 1 || length < 0) {
        return fail(MINRNN_INVALID_ARGUMENT,
                    "minrnn_generate: needs a session of batch 1 and a length of at least 0");
    }
    return MINRNN_OK;
}

/* What an empty prompt stands for. */
static int32_t first_token(const minrnn_vocabulary *vocabulary) {
    const int32_t newline = vocabulary_find(vocabulary, '\n');
    const int32_t space = vocabulary_find(vocabulary, ' ');
    return newline >= 0 ? newline : space >= 0 ? space : 0;
}

static minrnn_status find_vocabulary(const minrnn_session *session,
                                     minrnn_vocabulary **vocabulary) {
    const minrnn_status status = minrnn_model_get_vocabulary(session->model, vocabulary);
    return status || *vocabulary
               ? status
               : fail(MINRNN_INVALID_ARGUMENT, "minrnn_generate: the model has no vocabulary");
}

minrnn_status minrnn_generate(minrnn_session *session, const char *prompt, uint64_t prompt_bytes,
                              int64_t length, const minrnn_sampling *sampling,
                              minrnn_on_text on_text, void *user) {
    minrnn_vocabulary *vocabulary = NULL;
    minrnn_status status = check_generate(session, prompt, prompt_bytes, length, sampling, on_text);
    status = status ? status : find_vocabulary(session, &vocabulary);
    if (status) {
        return status;
    }
    struct pieces pieces = {vocabulary, on_text, user, {0}, 0, false};
    int64_t count = 1;
    int32_t *tokens = mem_alloc(prompt_bytes > 0 ? prompt_bytes : 1, sizeof *tokens);
    float *logits = mem_alloc((uint64_t)session->model->layout.config.vocab, sizeof *logits);
    status = tokens && logits ? MINRNN_OK : MINRNN_OUT_OF_MEMORY;
    if (!status && prompt_bytes > 0) {
        status = minrnn_vocabulary_encode(vocabulary, prompt, prompt_bytes, tokens,
                                          (int64_t)prompt_bytes, &count);
    } else if (!status) {
        tokens[0] = first_token(vocabulary);
    }
    status = status ? status : minrnn_session_restart(session);
    status = status ? status : feed(session, tokens, count, logits);
    status = status ? status : continue_text(session, length, sampling, logits, &pieces);
    minrnn_vocabulary_destroy(vocabulary);
    mem_free(tokens);
    mem_free(logits);
    return status;
}
