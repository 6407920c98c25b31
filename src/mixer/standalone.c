/* SPDX-License-Identifier: Apache-2.0 */
/* A mixer as a layer in the caller's own model. */
#include "base/alloc.h"
#include "base/sized.h"
#include "mixer/mixer.h"

struct minrnn_mixer {
    minrnn_device *device;
    minrnn_mixer_config config;
    struct layer layer;
    struct parameter_list list;
    int64_t total;
};

minrnn_status minrnn_mixer_create(minrnn_device *device, const minrnn_mixer_config *config,
                                  minrnn_mixer **mixer) {
    if (!device || !config || !mixer) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_mixer_create: an argument is NULL");
    }
    *mixer = NULL;
    const struct layer_kind *kind;
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
    made->layer =
        (struct layer){.kind = kind, .settings = made->config.settings, .width = own.width};
    kind->parameters(&made->layer, &made->list);
    made->layer.parameters = made->list.parameters;
    made->layer.parameter_count = made->list.count;
    made->total = parameters_place(made->list.parameters, made->list.count).total;
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
    return mixer ? mixer->list.count : 0;
}

minrnn_status minrnn_mixer_parameter_sized(const minrnn_mixer *mixer, int index,
                                           minrnn_parameter_info *info, size_t size) {
    if (!mixer || !info || index < 0 || index >= mixer->list.count) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_mixer_parameter: NULL, or no tensor %d",
                    index);
    }
    sized_give(&mixer->list.parameters[index].info, sizeof *info, info, size);
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
    parameters_draw(mixer->list.parameters, mixer->list.count, seed, values);
    const minrnn_status status = tensor_write(parameters, values, mixer->total, true);
    mem_free(values);
    return status;
}

int64_t minrnn_mixer_state_size(const minrnn_mixer *mixer) {
    return mixer ? layer_state(&mixer->layer, 1) : 0;
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
struct workspace {
    int64_t saved, temporary, scratch;
};

static minrnn_status plan(const minrnn_mixer *mixer, int64_t batch, int64_t time,
                          struct workspace *need) {
    const minrnn_status status = check_size(mixer, batch, time);
    if (status) {
        return status;
    }
    struct op_context context = {.device = mixer->device, .planning = true};
    struct arena saved = arena_of(mixer->device);
    saved.most = 0; /* the caller's own tensors are in one buffer each */
    struct arena saved_again = saved, temporary = saved;
    struct layer_call call = {.context = &context,
                              .layer = &mixer->layer,
                              .batch = batch,
                              .time = time,
                              .y_is_kept = true,
                              .saved = &saved,
                              .temporary = &temporary};
    mixer->layer.kind->forward(&call);
    call.saved = &saved_again;
    mixer->layer.kind->backward(&call);
    *need = (struct workspace){saved.peak, temporary.peak, op_scratch_elements(&context)};
    return context.status;
}

minrnn_status minrnn_mixer_workspace(const minrnn_mixer *mixer, int64_t batch, int64_t time,
                                     int64_t *saved, int64_t *temporary) {
    if (!saved || !temporary) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_mixer_workspace: an argument is NULL");
    }
    struct workspace need;
    const minrnn_status status = plan(mixer, batch, time, &need);
    if (!status) {
        *saved = need.saved;
        *temporary = need.temporary + need.scratch;
    }
    return status;
}

static const struct sized_type tensors_type =
    SIZED_TYPE(minrnn_mixer_tensors, "minrnn_mixer_tensors_defaults");

void minrnn_mixer_tensors_init(minrnn_mixer_tensors *tensors, size_t size) {
    if (tensors) {
        sized_give(&(minrnn_mixer_tensors){0}, sizeof *tensors, tensors, size);
    }
}

static minrnn_status take_tensors(const minrnn_mixer_tensors *given,
                                  minrnn_mixer_tensors *tensors) {
    *tensors = (minrnn_mixer_tensors){0};
    return given ? sized_take(&tensors_type, given, tensors)
                 : fail(MINRNN_INVALID_ARGUMENT, "mixer: tensors is NULL");
}

/* One call on the caller's tensors. */
struct own_call {
    struct op_context context;
    struct arena saved, temporary;
    struct layer_call call;
};

static minrnn_status check_held(const char *name, minrnn_tensor tensor, int64_t need) {
    const int64_t held =
        tensor.buffer ? (int64_t)(tensor.buffer->bytes / F32_BYTES) - tensor.offset : 0;
    return held >= need
               ? MINRNN_OK
               : fail(MINRNN_INVALID_ARGUMENT, "mixer: %s must hold %lld elements, holds %lld",
                      name, (long long)need, (long long)held);
}

static minrnn_status check_features(const minrnn_mixer *mixer, int64_t time,
                                    const minrnn_mixer_tensors *t) {
    const bool carries = t->state.buffer || t->state_out.buffer;
    const struct {
        bool asked;
        enum layer_feature feature;
    } features[] = {
        {t->reset.buffer, LAYER_RESETS},
        {t->lengths.buffer, LAYER_LENGTHS},
        {carries, LAYER_STREAMS},
        {carries && time > 1, LAYER_CHUNKS},
        {t->dstate.buffer || t->dstate_out.buffer, LAYER_STATE_GRADIENT},
    };
    minrnn_status status = MINRNN_OK;
    for (size_t i = 0; i < sizeof features / sizeof *features && !status; i++) {
        if (features[i].asked) {
            status = layer_require(&mixer->layer, features[i].feature);
        }
    }
    return status;
}

/* A kind may read the one after it has begun to write the other. */
static minrnn_status check_states(const minrnn_mixer *mixer, int64_t batch,
                                  const minrnn_mixer_tensors *t) {
    const int64_t elements = batch * layer_state(&mixer->layer, 1);
    const bool overlap = t->state.buffer && t->state.buffer == t->state_out.buffer &&
                         t->state.offset < t->state_out.offset + elements &&
                         t->state_out.offset < t->state.offset + elements;
    return overlap ? fail(MINRNN_INVALID_ARGUMENT, "mixer: state and state_out overlap")
                   : MINRNN_OK;
}

static minrnn_status begin(struct own_call *own, const minrnn_mixer *mixer, int64_t batch,
                           int64_t time, const minrnn_mixer_tensors *t) {
    struct workspace need;
    minrnn_status status = plan(mixer, batch, time, &need);
    status = status ? status : check_held("saved", t->saved, need.saved);
    status = status ? status : check_held("temporary", t->temporary, need.temporary + need.scratch);
    status = status ? status : check_features(mixer, time, t);
    status = status ? status : check_states(mixer, batch, t);
    if (status) {
        return status;
    }
    own->context = (struct op_context){.device = mixer->device,
                                       .scratch = tensor_at(t->temporary, need.temporary),
                                       .scratch_bytes = need.scratch * F32_BYTES};
    own->saved = arena_of(mixer->device);
    own->saved.most = 0;
    own->temporary = own->saved;
    own->saved.base = t->saved;
    own->temporary.base = t->temporary;
    own->call = (struct layer_call){.context = &own->context,
                                    .layer = &mixer->layer,
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
                                    .without_dx = !t->dx.buffer,
                                    .y_is_kept = true,
                                    .dstate = t->dstate,
                                    .saved = &own->saved,
                                    .temporary = &own->temporary};
    return MINRNN_OK;
}

minrnn_status minrnn_mixer_forward(minrnn_mixer *mixer, int64_t batch, int64_t time,
                                   const minrnn_mixer_tensors *tensors) {
    struct own_call own;
    minrnn_mixer_tensors taken;
    minrnn_status status = take_tensors(tensors, &taken);
    status = status ? status : begin(&own, mixer, batch, time, &taken);
    if (status) {
        return status;
    }
    mixer->layer.kind->forward(&own.call);
    return own.context.status;
}

minrnn_status minrnn_mixer_backward(minrnn_mixer *mixer, int64_t batch, int64_t time,
                                    const minrnn_mixer_tensors *tensors) {
    struct own_call own;
    minrnn_mixer_tensors taken;
    minrnn_status status = take_tensors(tensors, &taken);
    status = status ? status : begin(&own, mixer, batch, time, &taken);
    if (!status && taken.dstate.buffer && !taken.state.buffer) {
        status = fail(MINRNN_INVALID_ARGUMENT, "mixer: dstate without state");
    }
    status = status ? status : check_held("y", taken.y, batch * time * mixer->layer.width);
    if (status) {
        return status;
    }
    mixer->layer.kind->backward(&own.call);
    return own.context.status;
}
