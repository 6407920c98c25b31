/* Text from a model: the prompt in calls as large as the session takes, then token by token. */
#include <string.h>

#include "base/alloc.h"
#include "model/session.h"

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

static minrnn_status continue_text(minrnn_session *session, int64_t length,
                                   const minrnn_sampling *sampling, float *logits,
                                   minrnn_on_text on_text, void *user) {
    const minrnn_vocabulary *vocabulary = session->model->vocabulary;
    minrnn_status status = MINRNN_OK;
    for (int64_t i = 0; !status && i < length; i++) {
        int32_t token;
        char text[8];
        status = minrnn_sample(sampling, logits, session->model->layout.config.vocab, (uint64_t)i,
                               &token);
        if (status) {
            return status;
        }
        minrnn_vocabulary_decode(vocabulary, token, text);
        if (!on_text(user, text)) {
            return MINRNN_OK;
        }
        if (i + 1 < length) {
            status = minrnn_session_forward(session, 1, &token, NULL, logits);
        }
    }
    return status;
}

static minrnn_status check_generate(const minrnn_session *session, const char *prompt,
                                    int64_t length, const minrnn_sampling *sampling,
                                    minrnn_on_text on_text) {
    if (!session || !prompt || !sampling || !on_text) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_generate: an argument is NULL");
    }
    if (session->batch != 1 || length < 0) {
        return fail(MINRNN_INVALID_ARGUMENT,
                    "minrnn_generate: needs a session of batch 1 and a length of at least 0");
    }
    if (!session->model->vocabulary) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_generate: the model has no vocabulary");
    }
    if (prompt[0] == '\0') {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_generate: the prompt is empty");
    }
    return MINRNN_OK;
}

minrnn_status minrnn_generate(minrnn_session *session, const char *prompt, int64_t length,
                              const minrnn_sampling *sampling, minrnn_on_text on_text, void *user) {
    minrnn_status status = check_generate(session, prompt, length, sampling, on_text);
    if (status) {
        return status;
    }
    const minrnn_vocabulary *vocabulary = session->model->vocabulary;
    const int64_t capacity = (int64_t)strlen(prompt);
    int64_t count = 0;
    int32_t *tokens = mem_alloc((uint64_t)capacity, sizeof *tokens);
    float *logits = mem_alloc((uint64_t)session->model->layout.config.vocab, sizeof *logits);
    status = tokens && logits ? MINRNN_OK : MINRNN_OUT_OF_MEMORY;
    status = status ? status
                    : minrnn_vocabulary_encode(vocabulary, prompt, (uint64_t)capacity, tokens,
                                               capacity, &count);
    status = status ? status : minrnn_session_restart(session);
    status = status ? status : feed(session, tokens, count, logits);
    status = status ? status : continue_text(session, length, sampling, logits, on_text, user);
    mem_free(tokens);
    mem_free(logits);
    return status;
}
