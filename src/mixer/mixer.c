/* The mixer as a layer in the caller's own model. */
#include "mixer/mixer.h"

#include "base/alloc.h"

int mixer_parameters(const struct mixer_kind *kind, const minrnn_mixer_config *config,
                     struct parameter parameters[MIXER_MAX_PARAMETERS], int64_t *total) {
    const int count = kind->parameters(config, parameters);
    *total = parameters_place(parameters, count, NULL);
    return count;
}

/* ---- the public layer ---- */

struct minrnn_mixer {
    minrnn_device *device;
    minrnn_mixer_config config;
    const struct mixer_kind *kind;
    struct parameter parameters[MIXER_MAX_PARAMETERS];
    int count;
    int64_t total;
};

minrnn_status minrnn_mixer_create(minrnn_device *device, const minrnn_mixer_config *config,
                                  minrnn_mixer **mixer) {
    if (!device || !config || !mixer) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_mixer_create: an argument is NULL");
    }
    *mixer = NULL;
    const struct mixer_kind *kind;
    minrnn_mixer_config own;
    settings_defaults(&mixer_settings, &own);
    minrnn_status status = settings_take(&mixer_settings, config, &own);
    status = status ? status : mixer_find(&own, &kind);
    if (status) {
        return status;
    }
    minrnn_mixer *made = mem_alloc(1, sizeof *made);
    if (!made) {
        return MINRNN_OUT_OF_MEMORY;
    }
    made->device = device;
    made->config = own;
    made->kind = kind;
    made->count = mixer_parameters(kind, &own, made->parameters, &made->total);
    *mixer = made;
    return MINRNN_OK;
}

void minrnn_mixer_destroy(minrnn_mixer *mixer) {
    mem_free(mixer);
}

int64_t minrnn_mixer_parameters(const minrnn_mixer *mixer) {
    return mixer ? mixer->total : 0;
}

int minrnn_mixer_tensor_count(const minrnn_mixer *mixer) {
    return mixer ? mixer->count : 0;
}

minrnn_status minrnn_mixer_parameter(const minrnn_mixer *mixer, int index,
                                     minrnn_parameter_info *info) {
    if (!mixer || !info || index < 0 || index >= mixer->count) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_mixer_parameter: NULL, or no tensor %d",
                    index);
    }
    *info = mixer->parameters[index].info;
    return MINRNN_OK;
}

minrnn_status minrnn_mixer_initialise(const minrnn_mixer *mixer, uint64_t seed,
                                      minrnn_tensor parameters) {
    if (!mixer || !parameters.buffer) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_mixer_initialise: an argument is NULL");
    }
    float *values = mem_alloc((uint64_t)mixer->total, sizeof *values);
    if (!values) {
        return MINRNN_OUT_OF_MEMORY;
    }
    parameters_draw(mixer->parameters, mixer->count, seed, values);
    const minrnn_status status = tensor_write(parameters, values, mixer->total, true);
    mem_free(values);
    return status;
}

int64_t minrnn_mixer_state_size(const minrnn_mixer *mixer) {
    return mixer ? mixer->kind->state_size(&mixer->config) : 0;
}

static minrnn_status check_size(const minrnn_mixer *mixer, int64_t batch, int64_t time) {
    if (!mixer) {
        return fail(MINRNN_INVALID_ARGUMENT, "mixer is NULL");
    }
    if (batch < 1 || time < 1 || batch > INT32_MAX || time > INT32_MAX / batch) {
        return fail(MINRNN_INVALID_ARGUMENT,
                    "mixer: batch %lld and time %lld must be at least 1 "
                    "and their product below 2^31",
                    (long long)batch, (long long)time);
    }
    return MINRNN_OK;
}

/* Elements that calls of a size need; the ops' scratch lies after the temporaries. */
struct layer_plan {
    int64_t saved, temporary, scratch;
};

static minrnn_status plan_layer(const minrnn_mixer *mixer, int64_t batch, int64_t time,
                                struct layer_plan *plan) {
    minrnn_status status = check_size(mixer, batch, time);
    if (status) {
        return status;
    }
    struct op_context context = {.device = mixer->device, .planning = true};
    struct arena saved = {0}, saved_again = {0}, temporary = {0};
    struct mixer_call call = {.context = &context,
                              .config = &mixer->config,
                              .batch = batch,
                              .time = time,
                              .saved = &saved,
                              .temporary = &temporary};
    status = mixer->kind->forward(&call);
    call.saved = &saved_again;
    status = status ? status : mixer->kind->backward(&call);
    *plan = (struct layer_plan){saved.peak, temporary.peak,
                                (context.scratch_need + TENSOR_ELEMENT_BYTES - 1) /
                                    TENSOR_ELEMENT_BYTES};
    return status;
}

minrnn_status minrnn_mixer_workspace(const minrnn_mixer *mixer, int64_t batch, int64_t time,
                                     int64_t *saved, int64_t *temporary) {
    if (!saved || !temporary) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_mixer_workspace: an argument is NULL");
    }
    struct layer_plan plan;
    const minrnn_status status = plan_layer(mixer, batch, time, &plan);
    if (!status) {
        *saved = plan.saved;
        *temporary = plan.temporary + plan.scratch;
    }
    return status;
}

/* One call on the caller's tensors. */
struct layer_call {
    struct op_context context;
    struct arena saved, temporary;
    struct mixer_call call;
};

static minrnn_status check_held(const char *name, minrnn_tensor tensor, int64_t need) {
    const int64_t held =
        tensor.buffer ? (int64_t)(tensor.buffer->bytes / TENSOR_ELEMENT_BYTES) - tensor.offset : 0;
    return held >= need
               ? MINRNN_OK
               : fail(MINRNN_INVALID_ARGUMENT, "mixer: %s must hold %lld elements, holds %lld",
                      name, (long long)need, (long long)held);
}

static minrnn_status layer_begin(struct layer_call *layer, const minrnn_mixer *mixer, int64_t batch,
                                 int64_t time, const minrnn_mixer_tensors *t) {
    if (!t) {
        return fail(MINRNN_INVALID_ARGUMENT, "mixer: tensors is NULL");
    }
    struct layer_plan plan;
    minrnn_status status = plan_layer(mixer, batch, time, &plan);
    status = status ? status : check_held("saved", t->saved, plan.saved);
    status = status ? status : check_held("temporary", t->temporary, plan.temporary + plan.scratch);
    if (status) {
        return status;
    }
    layer->context = (struct op_context){.device = mixer->device,
                                         .scratch = tensor_at(t->temporary, plan.temporary),
                                         .scratch_bytes = plan.scratch * TENSOR_ELEMENT_BYTES};
    layer->saved = (struct arena){.base = t->saved};
    layer->temporary = (struct arena){.base = t->temporary};
    layer->call = (struct mixer_call){.context = &layer->context,
                                      .config = &mixer->config,
                                      .batch = batch,
                                      .time = time,
                                      .parameters = t->parameters,
                                      .gradients = t->gradients,
                                      .x = t->x,
                                      .y = t->y,
                                      .state = t->state,
                                      .state_out = t->state_out,
                                      .reset = t->reset,
                                      .lengths = t->lengths,
                                      .dy = t->dy,
                                      .dstate_out = t->dstate_out,
                                      .dx = t->dx,
                                      .dstate = t->dstate,
                                      .saved = &layer->saved,
                                      .temporary = &layer->temporary};
    return MINRNN_OK;
}

minrnn_status minrnn_mixer_forward(minrnn_mixer *mixer, int64_t batch, int64_t time,
                                   const minrnn_mixer_tensors *tensors) {
    struct layer_call layer;
    const minrnn_status status = layer_begin(&layer, mixer, batch, time, tensors);
    return status ? status : mixer->kind->forward(&layer.call);
}

minrnn_status minrnn_mixer_backward(minrnn_mixer *mixer, int64_t batch, int64_t time,
                                    const minrnn_mixer_tensors *tensors) {
    struct layer_call layer;
    minrnn_status status = layer_begin(&layer, mixer, batch, time, tensors);
    if (!status && tensors->dstate.buffer && !tensors->state.buffer) {
        status = fail(MINRNN_INVALID_ARGUMENT, "mixer: dstate without state");
    }
    return status ? status : mixer->kind->backward(&layer.call);
}
