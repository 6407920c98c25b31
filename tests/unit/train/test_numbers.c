/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers that are not finite: where they begin is named, they spoil neither parameters nor files,
 * and nothing goes on from them. */
#include "unit/files.h"
#include "unit/train/training.h"

static minrnn_device *device;

enum { BATCH = 2, TIME = 4, ROWS = BATCH * TIME, GOOD_STEPS = 2 };

static const int32_t tokens[ROWS] = {1, 2, 3, 4, 5, 6, 7, 8};
static const int32_t targets[ROWS] = {2, 3, 4, 5, 6, 7, 8, 9};

static minrnn_trainer_config training_config(bool check_numbers) {
    minrnn_trainer_config config;
    minrnn_trainer_config_defaults(&config);
    config.batch = BATCH;
    config.time = TIME;
    config.check_numbers = check_numbers;
    return config;
}

static minrnn_status step(minrnn_trainer *trainer) {
    return support_step(trainer, tokens, targets, NULL, NULL);
}

static float *read_parameters(const minrnn_model *model) {
    float *values = support_alloc((size_t)minrnn_model_parameters(model), sizeof *values);
    CHECK(minrnn_model_read(model, values));
    return values;
}

/* Sets all elements of one parameter. */
static void put(minrnn_model *model, const char *name, float value) {
    float *values = read_parameters(model);
    const minrnn_parameter_info info = parameter_named(model, name);
    for (int64_t i = 0; i < parameter_elements(&info); i++) {
        values[info.offset + i] = value;
    }
    CHECK(minrnn_model_write(model, values));
    free(values);
}

/* The parameters are as they were; frees those. */
static void expect_kept(const minrnn_model *model, float *before) {
    float *after = read_parameters(model);
    assert_memory_equal(after, before, (size_t)minrnn_model_parameters(model) * sizeof *after);
    free(before);
    free(after);
}

/* The file is as it was saved; frees that. */
static void expect_kept_file(const char *path, struct bytes saved) {
    struct bytes kept = files_get(path);
    assert_int_equal(kept.size, saved.size);
    assert_memory_equal(kept.data, saved.data, saved.size);
    free(kept.data);
    free(saved.data);
}

/* A change to a model, and what is said of the step that then goes wrong. */
struct poison {
    int variant;
    struct {
        const char *name;
        float value;
    } puts[4];
    const char *said[3];
};

/* Good steps, the poison, and the step that must name it; after which there is neither step nor
 * save, and the file of the last save is as it was. */
static void expect_named(const struct poison *poison, float clip) {
    const minrnn_model_config config = model_variant(poison->variant);
    minrnn_trainer_config training = training_config(true);
    training.clip = clip;
    minrnn_model *model = model_make(device, &config);
    minrnn_trainer *trainer = trainer_make(model, &training);
    for (int i = 0; i < GOOD_STEPS; i++) {
        CHECK(step(trainer));
    }
    const char *path = files_path("named.state");
    CHECK(minrnn_trainer_save(trainer, path));
    struct bytes saved = files_get(path);
    for (int i = 0; i < 4 && poison->puts[i].name; i++) {
        put(model, poison->puts[i].name, poison->puts[i].value);
    }
    float *before = read_parameters(model);
    const minrnn_status status = step(trainer);
    for (int i = 0; i < 3 && poison->said[i]; i++) {
        expect_failure(status, MINRNN_NOT_FINITE, poison->said[i]);
    }
    expect_failure(status, MINRNN_NOT_FINITE, "step 3, ");
    assert_int_equal(minrnn_trainer_steps(trainer), GOOD_STEPS);
    expect_kept(model, before);
    expect_failure(step(trainer), MINRNN_NOT_FINITE, poison->said[0]);
    expect_failure(minrnn_trainer_save(trainer, path), MINRNN_NOT_FINITE, poison->said[0]);
    expect_kept_file(path, saved);
    minrnn_trainer_destroy(trainer);
    minrnn_model_destroy(model);
}

static void test_forward(void **unused) {
    (void)unused;
    static const struct poison poisons[] = {
        {1,
         {{"token_emb.weight", NAN}},
         {"forward, embedding (token_emb.weight): embed_forward wrote ", "nan to y[0]",
          "its input table[0] is "}},
        {1,
         {{"layers.0.0.net.0.weight", INFINITY}},
         {"forward, layer 1 of 2, convolution (layers.0.0.net.0.weight): conv_forward wrote "}},
        {2,
         {{"layers.1.0.net.1.weight", NAN}},
         {"forward, layer 2 of 2, convolution (layers.1.0.net.1.weight): gemm wrote "}},
        {1,
         {{"layers.1.1.weight", NAN}},
         {"forward, layer 2 of 2, mixer (layers.1.1.weight): rmsnorm_forward wrote "}},
        {1,
         {{"layers.1.2.to_hidden_and_gate.weight", NAN}},
         {"forward, layer 2 of 2, mixer (layers.1.2.to_hidden_and_gate.weight): gemm wrote ",
          "nan to c[0]", "its input b[0] is "}},
        {1,
         {{"layers.0.2.init_hidden_state", NAN}},
         {"forward, layer 1 of 2, mixer (layers.0.2.", "scan_forward wrote ", "its input init"}},
        {2,
         {{"layers.0.2.init_hidden_state", NAN}},
         {"forward, layer 1 of 2, mixer (layers.0.2.init_hidden_state): g_forward wrote "}},
        {4,
         {{"layers.1.2.to_out.weight", -INFINITY}},
         {"forward, layer 2 of 2, mixer (layers.1.2.to_out.weight): gemm wrote "}},
        {3,
         {{"layers.0.4.0.weight", NAN}},
         {"forward, layer 1 of 2, feed-forward (layers.0.4.0.weight): gemm wrote "}},
        {4,
         {{"layers.1.4.0.bias", NAN}},
         {"forward, layer 2 of 2, feed-forward (layers.1.4.0.bias): geglu_forward wrote "}},
        {3,
         {{"layers.1.4.2.bias", NAN}},
         {"forward, layer 2 of 2, feed-forward (layers.1.4.2.bias): residual_forward wrote "}},
        {0, {{"norm.weight", NAN}}, {"forward, head (norm.weight): rmsnorm_forward wrote "}},
        {5, {{"to_logits.weight", NAN}}, {"forward, head (to_logits.weight): gemm wrote "}},
        /* Finite, but its product is not. */
        {5,
         {{"to_logits.weight", 3e38f}, {"norm.weight", 1e6f}},
         {"forward, head (to_logits.weight): gemm wrote ", "its inputs are finite"}},
    };
    for (size_t i = 0; i < sizeof poisons / sizeof *poisons; i++) {
        expect_named(&poisons[i], 1.0f);
    }
}

/* Forward multiplies a large weight by zeros; backward, by the gradient that a large head makes. */
static void test_backward(void **unused) {
    (void)unused;
    static const struct poison poisons[] = {
        {1,
         {{"norm.weight", 1e8f},
          {"layers.1.4.0.weight", 0},
          {"layers.1.4.0.bias", -100},
          {"layers.1.4.2.weight", 3e38f}},
         {"backward, layer 2 of 2, feed-forward (layers.1.4.2.weight): gemm wrote ",
          "its inputs are finite"}},
        {3,
         {{"norm.weight", 1e8f},
          {"layers.0.4.0.weight", 0},
          {"layers.0.4.0.bias", -100},
          {"layers.0.4.2.weight", 3e38f}},
         {"backward, layer 1 of 2, feed-forward (layers.0.4.2.weight): gemm wrote "}},
        {3,
         {{"norm.weight", 1e8f},
          {"layers.1.2.to_hidden_and_gate.weight", 0},
          {"layers.1.2.to_out.weight", 3e38f}},
         {"backward, layer 2 of 2, mixer (layers.1.2.to_out.weight): gemm wrote "}},
        {2,
         {{"norm.weight", 1e8f},
          {"layers.0.0.net.0.weight", 0},
          {"layers.0.0.net.0.bias", 0},
          {"layers.0.0.net.1.weight", 3e38f}},
         {"backward, layer 1 of 2, convolution (layers.0.0.net.1.weight): gemm wrote "}},
    };
    for (size_t i = 0; i < sizeof poisons / sizeof *poisons; i++) {
        expect_named(&poisons[i], 1.0f);
        expect_named(&poisons[i], 0.0f);
    }
}

/* Gradients that are finite one by one, and a rate that no parameter bears. */
static void test_update(void **unused) {
    (void)unused;
    const minrnn_model_config config = model_variant(1);
    minrnn_trainer_config training = training_config(true);
    training.rate = 3e38f;
    training.weight_decay = 0.0f;
    minrnn_model *model = model_make(device, &config);
    minrnn_trainer *trainer = trainer_make(model, &training);
    const minrnn_status status = step(trainer);
    expect_failure(status, MINRNN_NOT_FINITE, "step 1, update, optimiser (");
    expect_failure(status, MINRNN_NOT_FINITE, ".weight): adamw wrote ");
    expect_failure(status, MINRNN_NOT_FINITE, " to param[");
    expect_failure(minrnn_model_save(model, files_path("model")), MINRNN_NOT_FINITE, ".weight[");
    minrnn_trainer_destroy(trainer);
    minrnn_model_destroy(model);
}

/* The switch changes no bit, needs no more memory than was planned, and covers evaluation. */
static void test_switch(void **unused) {
    (void)unused;
    for (int v = 0; v < MODEL_VARIANTS; v++) {
        minrnn_model_config config = model_variant(v);
        config.dropout = 0.2f;
        float *trained[2];
        size_t bytes = 0;
        for (int on = 0; on < 2; on++) {
            const minrnn_trainer_config training = training_config(on);
            minrnn_model *model = model_make(device, &config);
            minrnn_trainer *trainer = trainer_make(model, &training);
            const uint64_t allocated = minrnn_device_allocated(device);
            for (int i = 0; i < 3; i++) {
                CHECK(step(trainer));
            }
            assert_int_equal(minrnn_device_allocated(device), allocated);
            trained[on] = read_parameters(model);
            bytes = (size_t)minrnn_model_parameters(model) * sizeof(float);
            double loss = 0.5;
            int64_t count = 3;
            CHECK(support_evaluate(trainer, tokens, targets, NULL, &loss, &count));
            const double good = loss;
            put(model, "norm.weight", NAN);
            expect_failure(support_evaluate(trainer, tokens, targets, NULL, &loss, &count),
                           MINRNN_NOT_FINITE,
                           on ? "step 3, evaluation, head (norm.weight): rmsnorm_forward wrote"
                              : "after step 3: minrnn_trainer_evaluate: the loss is");
            assert_true(loss == good && count == 3 + ROWS);
            minrnn_trainer_destroy(trainer);
            minrnn_model_destroy(model);
        }
        assert_memory_equal(trained[0], trained[1], bytes);
        free(trained[0]);
        free(trained[1]);
    }
}

/* ---- without the switch ---- */

/* Finite parameters whose gradient is not: they stay, whatever is enqueued after that step, and no
 * save replaces a good one, whether its step is known to be bad or still under way. */
static void test_gradient_unchecked(void **unused) {
    (void)unused;
    for (int clips = 0; clips < 2; clips++) {
        const minrnn_model_config config = model_variant(1);
        minrnn_trainer_config training = training_config(false);
        training.clip = clips ? 1.0f : 0.0f;
        minrnn_model *model = model_make(device, &config);
        minrnn_trainer *trainer = trainer_make(model, &training);
        const char *path = files_path("good.state");
        CHECK(step(trainer));
        CHECK(minrnn_trainer_save(trainer, path));
        struct bytes saved = files_get(path);
        put(model, "norm.weight", 1e8f);
        put(model, "layers.1.4.0.weight", 0.0f);
        put(model, "layers.1.4.0.bias", -100.0f);
        put(model, "layers.1.4.2.weight", 3e38f);
        float *before = read_parameters(model);
        CHECK(step(trainer)); /* step 2, enqueued */
        expect_failure(minrnn_trainer_save(trainer, path), MINRNN_NOT_FINITE, "step 2 is ");
        CHECK(step(trainer)); /* step 3, before step 2 is looked at */
        expect_failure(minrnn_trainer_save(trainer, path), MINRNN_NOT_FINITE, "step 2 is ");
        expect_failure(step(trainer), MINRNN_NOT_FINITE, "step 2 is ");
        expect_failure(step(trainer), MINRNN_NOT_FINITE, "check_numbers");
        assert_int_equal(minrnn_trainer_steps(trainer), 3);
        expect_kept(model, before);
        minrnn_step_record record;
        bool there;
        CHECK(minrnn_trainer_record(trainer, true, &record, &there));
        assert_true(there && record.step == 1 && record.gradient_norm > 0.0f);
        expect_failure(minrnn_trainer_record(trainer, true, &record, &there), MINRNN_NOT_FINITE,
                       "the loss of step 2 is ");
        assert_true(there && record.step == 2 && isfinite(record.loss));
        assert_true(!isfinite(record.gradient_norm));
        expect_failure(minrnn_trainer_save(trainer, path), MINRNN_NOT_FINITE, "step 2 is ");
        expect_kept_file(path, saved);
        minrnn_trainer_destroy(trainer);
        minrnn_model_destroy(model);
    }
}

/* A step that is finite and makes parameters that are not. */
static void test_parameters_unchecked(void **unused) {
    (void)unused;
    const minrnn_model_config config = model_variant(0);
    minrnn_trainer_config training = training_config(false);
    minrnn_model *model = model_make(device, &config);
    const char *state = files_path("kept.state"), *file = files_path("kept.model");
    CHECK(minrnn_model_save(model, file));
    files_put(state, "as it was", 9);
    struct bytes saved = files_get(file);
    training.rate = 3e38f;
    minrnn_trainer *trainer = trainer_make(model, &training);
    CHECK(step(trainer));
    expect_failure(minrnn_trainer_save(trainer, state), MINRNN_NOT_FINITE, state);
    expect_failure(minrnn_model_save(model, file), MINRNN_NOT_FINITE, file);
    expect_kept_file(file, saved);
    files_expect(state, "as it was");
    minrnn_trainer_destroy(trainer);
    minrnn_model_destroy(model);
}

/* The state file does not hold the switch: a run that broke goes on with it from its last save. */
static void test_resume(void **unused) {
    (void)unused;
    const minrnn_model_config config = model_variant(0);
    minrnn_trainer_config training = training_config(false);
    minrnn_model *model = model_make(device, &config);
    minrnn_trainer *trainer = trainer_make(model, &training);
    const char *path = files_path("resume.state");
    CHECK(step(trainer));
    CHECK(minrnn_trainer_save(trainer, path));
    minrnn_trainer_destroy(trainer);
    minrnn_model_destroy(model);
    for (int on = 0; on < 2; on++) {
        training.check_numbers = on;
        CHECK(minrnn_trainer_resume(device, path, &training, &model, &trainer));
        CHECK(step(trainer));
        put(model, "to_logits.weight", NAN);
        const minrnn_status status = step(trainer);
        if (on) {
            expect_failure(status, MINRNN_NOT_FINITE, "step 3, forward, head (to_logits.weight)");
        } else {
            CHECK(status);
        }
        minrnn_trainer_destroy(trainer);
        minrnn_model_destroy(model);
    }
}

/* ---- text ---- */

static bool take_text(void *user, const char *text, uint64_t bytes) {
    (void)text;
    *(size_t *)user += bytes;
    return true;
}

static void test_generate(void **unused) {
    (void)unused;
    const minrnn_model_config config = model_variant(0);
    minrnn_model *model = model_make(device, &config);
    minrnn_vocabulary *vocabulary;
    CHECK(minrnn_vocabulary_create("abcdefghijklm", MODEL_VOCAB, true, &vocabulary));
    CHECK(minrnn_model_set_vocabulary(model, vocabulary));
    put(model, "norm.weight", NAN);
    minrnn_session *session;
    CHECK(minrnn_session_create(model, 1, 1, &session));
    minrnn_sampling sampling;
    minrnn_sampling_defaults(&sampling);
    size_t written = 0;
    expect_failure(minrnn_generate(session, "abc", 3, 5, &sampling, take_text, &written),
                   MINRNN_NOT_FINITE, "the logit of token 0 is ");
    assert_int_equal(written, 0);
    minrnn_session_destroy(session);
    minrnn_vocabulary_destroy(vocabulary);
    minrnn_model_destroy(model);
}

int main(void) {
    device = support_open_device();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forward),
        cmocka_unit_test(test_backward),
        cmocka_unit_test(test_update),
        cmocka_unit_test(test_switch),
        cmocka_unit_test(test_gradient_unchecked),
        cmocka_unit_test(test_parameters_unchecked),
        cmocka_unit_test(test_resume),
        cmocka_unit_test(test_generate),
    };
    const int failed = cmocka_run_group_tests(tests, files_begin, files_end);
    minrnn_device_destroy(device);
    return failed;
}
