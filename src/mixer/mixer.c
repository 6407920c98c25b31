#include "mixer/mixer.h"

#include "base/status.h"

#include <math.h>
#include <string.h>

static const struct layer_kind *const kinds[] = {&mixer_mingru, &mixer_minlstm};
enum { KIND_COUNT = sizeof kinds / sizeof *kinds, MAX_CHANNELS = 1 << 20 };

static minrnn_status check_config(const minrnn_mixer_config *config) {
    if (config->width < 1 || config->width > MAX_CHANNELS) {
        return fail(MINRNN_INVALID_ARGUMENT, "mixer: width is %lld, must be 1 to %d",
                    (long long)config->width, MAX_CHANNELS);
    }
    const double inner = (double)config->width * (double)config->expansion;
    if (!(inner >= 1.0 && inner <= MAX_CHANNELS)) {
        return fail(MINRNN_INVALID_ARGUMENT,
                    "mixer: width %lld times expansion %g must give 1 to %d channels",
                    (long long)config->width, (double)config->expansion, MAX_CHANNELS);
    }
    if ((unsigned)config->candidate > MINRNN_CANDIDATE_G ||
        (unsigned)config->alg > MINRNN_SCAN_LOG || !isfinite(config->forget_offset)) {
        return fail(MINRNN_INVALID_ARGUMENT,
                    "mixer: candidate, alg or forget_offset has no allowed value");
    }
    if (config->alg == MINRNN_SCAN_LOG && config->candidate != MINRNN_CANDIDATE_G) {
        return fail(MINRNN_INVALID_ARGUMENT,
                    "mixer: the log-space scan needs the positive candidate g");
    }
    return MINRNN_OK;
}

minrnn_status mixer_find(const minrnn_mixer_config *config, const struct layer_kind **kind) {
    *kind = NULL;
    for (int i = 0; i < KIND_COUNT; i++) {
        if (strncmp(config->name, kinds[i]->name, sizeof config->name) == 0) {
            *kind = kinds[i];
        }
    }
    if (!*kind) {
        return fail(MINRNN_INVALID_ARGUMENT, "unknown mixer \"%.*s\"; there are mingru, minlstm",
                    (int)sizeof config->name, config->name);
    }
    const minrnn_status status = check_config(config);
    return status || !(*kind)->check ? status : (*kind)->check(config);
}
