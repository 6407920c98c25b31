/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The task of text: characters to tokens and back, batches, and text from a model. */
#ifndef MINRNN_TEXT_H
#define MINRNN_TEXT_H

#include <minrnn/session.h>
#include <minrnn/task.h>

MINRNN_BEGIN_DECLS

/** The characters (Unicode code points) a model knows, token i being the i-th, in code-point order
 * unless another was asked for; or all bytes. */
typedef struct minrnn_vocabulary minrnn_vocabulary;

/** Makes a vocabulary from the distinct characters of a UTF-8 string, or, with `ordered`, from
 * exactly its characters in their order (each once). Invalid UTF-8, a NUL or an empty string is
 * MINRNN_FORMAT_ERROR. The caller owns *vocabulary. */
MINRNN_API minrnn_status minrnn_vocabulary_create(const char *utf8, uint64_t bytes, bool ordered,
                                                  minrnn_vocabulary **vocabulary);
/** Makes the vocabulary of bytes: 256 tokens, token i being byte i. Any bytes are text to it, NUL
 * and what is not UTF-8 included. The caller owns *vocabulary. */
MINRNN_API minrnn_status minrnn_vocabulary_bytes(minrnn_vocabulary **vocabulary);

/** Whether it is the vocabulary of bytes. */
MINRNN_API bool minrnn_vocabulary_is_bytes(const minrnn_vocabulary *vocabulary);

/** Releases a vocabulary. NULL is allowed. */
MINRNN_API void minrnn_vocabulary_destroy(minrnn_vocabulary *vocabulary);

/** How many tokens it has. */
MINRNN_API int minrnn_vocabulary_size(const minrnn_vocabulary *vocabulary);

/** The characters in token order, UTF-8 with a NUL, owned by the vocabulary. For that of bytes it
 * is "". */
MINRNN_API const char *minrnn_vocabulary_characters(const minrnn_vocabulary *vocabulary);

/** Turns text into tokens. `tokens` holds `capacity`; *count receives how many there are (call with
 * capacity 0 to ask). A character that is not in the vocabulary is MINRNN_INVALID_ARGUMENT, and the
 * error text shows it. Invalid UTF-8 or a NUL is MINRNN_FORMAT_ERROR, but not for a vocabulary of
 * bytes. */
MINRNN_API minrnn_status minrnn_vocabulary_encode(const minrnn_vocabulary *vocabulary,
                                                  const char *utf8, uint64_t bytes, int32_t *tokens,
                                                  int64_t capacity, int64_t *count);

/** Writes the bytes of one token (a character's UTF-8, or the byte) to `text`, a NUL after them.
 * Returns how many they are: 0 for a token out of range. */
MINRNN_API int minrnn_vocabulary_decode(const minrnn_vocabulary *vocabulary, int32_t token,
                                        char text[8]);

/** Sets what a model's tokens stand for. Its metadata keeps the characters in their order as
 * "vocabulary"; a model of 256 tokens without that entry is one of bytes. The size must be the
 * model's vocab. */
MINRNN_API minrnn_status minrnn_model_set_vocabulary(minrnn_model *model,
                                                     const minrnn_vocabulary *vocabulary);

/** Makes that vocabulary, which the caller owns; *vocabulary is NULL if the model has none. An
 * entry that is no vocabulary, or not of the model's size, is MINRNN_FORMAT_ERROR. */
MINRNN_API minrnn_status minrnn_model_get_vocabulary(const minrnn_model *model,
                                                     minrnn_vocabulary **vocabulary);

/** Text as tokens, in one document or several. The first 90 % of all tokens (rounded down) are for
 * training, the rest for validation. */
typedef struct minrnn_text minrnn_text;

/** Reads text from a path: a file, a pipe or a character device to its end, "-" for standard input,
 * or a folder. Of a folder, each regular file in it and below is a document, in order of their
 * paths by bytes. Hidden files and folders are left out, and links to folders are not followed.
 *
 * If `vocabulary` is NULL, one is made from the distinct characters. Otherwise the text must be in
 * that one, which is copied. Text is UTF-8, and a byte order mark at its beginning is dropped; but
 * with a vocabulary of bytes, bytes are read as they are. What is missing, empty, not UTF-8, or
 * shorter than two tokens has its own error. The caller owns *text. */
MINRNN_API minrnn_status minrnn_text_open(const char *path, const minrnn_vocabulary *vocabulary,
                                          minrnn_text **text);

/** The same for paths[count], one after the other; each file is a document. */
MINRNN_API minrnn_status minrnn_text_open_files(const char *const *paths, int count,
                                                const minrnn_vocabulary *vocabulary,
                                                minrnn_text **text);

/** Releases a text and its vocabulary. NULL is allowed. */
MINRNN_API void minrnn_text_destroy(minrnn_text *text);

/** The text's vocabulary, owned by the text. */
MINRNN_API const minrnn_vocabulary *minrnn_text_vocabulary(const minrnn_text *text);

/** How many documents the text has. */
MINRNN_API int64_t minrnn_text_documents(const minrnn_text *text);

/** How many tokens a split of the text has. */
MINRNN_API int64_t minrnn_text_length(const minrnn_text *text, minrnn_split split);

/** Writes a batch for training: `batch` windows of `time` tokens at random places of the split.
 * Philox (Salmon et al., SC 2011) draws them from (seed, index): batch `index` is the same whenever
 * it is asked for. targets are tokens shifted by one, -1 (no loss) for a document's last; reset
 * (NULL allowed) is 1 if a document begins there, else 0. Each holds batch * time. Resets need be
 * passed on only if there are two documents or more. A split shorter than time + 1 is
 * MINRNN_INVALID_ARGUMENT. */
MINRNN_API minrnn_status minrnn_text_batch(const minrnn_text *text, minrnn_split split,
                                           uint64_t seed, uint64_t index, int64_t batch,
                                           int64_t time, int32_t *tokens, int32_t *targets,
                                           int32_t *reset);

/** Writes a batch for evaluation. The split is cut into consecutive windows of `time`; the batch is
 * the windows from number index * batch on, with targets and resets as above. Positions past the
 * end have token 0 and target -1. *used receives how many positions are not past it: 0 after the
 * last window. */
MINRNN_API minrnn_status minrnn_text_window(const minrnn_text *text, minrnn_split split,
                                            uint64_t index, int64_t batch, int64_t time,
                                            int32_t *tokens, int32_t *targets, int32_t *reset,
                                            int64_t *used);

/** Called with each new piece of text, `bytes` of it and a NUL after them, and the `user` that
 * minrnn_generate was given. Return false to stop. No character of UTF-8 is ever cut: a model of
 * bytes holds a character's first bytes back until the rest is there. If the rest cannot come any
 * more, the bytes are given as they are. */
typedef bool (*minrnn_on_text)(void *user, const char *text, uint64_t bytes);

/** Continues `prompt` (prompt_bytes of it: UTF-8, or any bytes for a model of bytes) by `length`
 * tokens, characters or bytes, from a restarted session of batch 1. The model must have a
 * vocabulary, and the prompt be in it. An empty prompt (NULL allowed) stands for a newline if the
 * model knows one, else for a space, else for its first token. A logit that is not finite is
 * MINRNN_NOT_FINITE. */
MINRNN_API minrnn_status minrnn_generate(minrnn_session *session, const char *prompt,
                                         uint64_t prompt_bytes, int64_t length,
                                         const minrnn_sampling *sampling, minrnn_on_text on_text,
                                         void *user);

/** Text as a task: what comes next. With `validation`, which has the same vocabulary, all of `text`
 * trains, and MINRNN_SPLIT_ALL is `text` alone. Without (NULL), the first 90 % of `text` train and
 * the rest validates. Both must outlive *task, which the caller owns. */
MINRNN_API minrnn_status minrnn_text_task(const minrnn_text *text, const minrnn_text *validation,
                                          minrnn_task **task);

MINRNN_END_DECLS

#endif
