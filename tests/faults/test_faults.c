/* SPDX-License-Identifier: Apache-2.0 */
/* Every call of a kind fails once, the n-th, for every n until a whole cycle has fewer:
 *   test_faults DOMAIN [--all [--source] | --few] [--gpu] [--trace] [--call NAME]
 * DOMAIN: opencl (through layer.c), files or memory. --all tries every n with every code. Without
 * it, if that is many, each n has one code, in turn, and the commonest calls leave out some n; so
 * it is without --source if every cycle builds its programs from source, which takes hours. --few
 * has each kind of call fail a few times only, for a run of a minute. --gpu lets the device say
 * that it is a GPU. --trace says what comes before it is done, for faults that end the process.
 *
 * After each fault either everything the cycle computes and saves is, to the bit, what it is
 * without one; or there is a status with a text that names the call and its code. In both cases
 * what was saved before is whole, nothing is held any more, and another cycle runs. */
#include "cycle.h"
#include "inject.h"
#include "wrap.h"

#ifdef MINRNN_HAVE_OPENCL
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXIT_SKIPPED = 77, FILE_CAPACITY = 1 << 18, PATH_CAPACITY = 256 };

/* If not every n and code is tried, a kind with at most FEW_POINTS gets all of its codes, others
 * one code each time. Only about SOME_CALLS of a kind are made to fail if programs are built from
 * source, and for the files and the memory that an OpenCL device's run takes beside the CPU's. */
enum { FEW_POINTS = 64, SOME_CALLS = 16, FEW_CALLS = 3 /* with --few, each with one code */ };

/* A kind with more calls has its cycles on one open device, if all of its calls come then too. */
enum { MANY_CALLS = 256 };

/* Cycles between two that are run without a fault and compared. Any other cycle is the fresh start
 * after the fault before it already: it runs as far as its own fault, which is past the last one.
 */
enum { BETWEEN_CHECKS = 64 };

struct content {
    size_t bytes;
    char data[FILE_CAPACITY];
};

/* What the programs come from: binaries kept on disk; sources, whose binaries are kept then; or an
 * open device, which has them. They are most of a cycle's time. */
enum mode { WARM, COLD, OPEN, MODES };

static struct {
    enum fault_domain domain;
    bool all, few, source, trace;
    bool is_opencl;
    minrnn_device *device; /* of mode OPEN; NULL: each cycle opens its own */
    const char *only;
    char folder[PATH_CAPACITY - 32], cache[PATH_CAPACITY];
    char text[PATH_CAPACITY], state[PATH_CAPACITY], model[PATH_CAPACITY], other[PATH_CAPACITY];
    char kept[PATH_CAPACITY], leftover[PATH_CAPACITY];
    struct cycle_setup paths;
    struct content old_state, old_model; /* of a cycle with another seed */
    struct content new_state, new_model; /* of the cycle without a fault */
    struct cycle_result expected;
    int calls[MODES][FAULT_CALLS]; /* of the cycle without a fault, by mode */
    long points, failures;
} test;

static struct cycle_result result;
static struct content found;

/* ---- files ---- */

static void die(const char *what, const char *path) {
    fprintf(stderr, "%s %s: %s\n", what, path, strerror(errno));
    exit(1);
}

static void put(const char *path, const struct content *content) {
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(content->data, 1, content->bytes, file) != content->bytes ||
        fclose(file) != 0) {
        die("cannot write", path);
    }
}

/* False if there is no such file. */
static bool get(const char *path, struct content *content) {
    FILE *file = fopen(path, "rb");
    content->bytes = 0;
    if (!file) {
        return false;
    }
    content->bytes = fread(content->data, 1, sizeof content->data, file);
    if (content->bytes == sizeof content->data) {
        die("too large", path);
    }
    fclose(file);
    return true;
}

static bool same(const struct content *a, const struct content *b) {
    return a->bytes == b->bytes && memcmp(a->data, b->data, a->bytes) == 0;
}

/* Calls `visit` with the path of each file in a folder. */
static int each_file(const char *folder, int (*visit)(const char *path)) {
    int sum = 0;
    DIR *entries = opendir(folder);
    for (struct dirent *entry; entries && (entry = readdir(entries));) {
        char path[PATH_CAPACITY + sizeof entry->d_name];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        sum += entry->d_name[0] == '.' ? 0 : visit(path);
    }
    if (entries) {
        closedir(entries);
    }
    return sum;
}

static int remove_file(const char *path) {
    return unlink(path) == 0;
}

static int is_temporary(const char *path) {
    const size_t length = strlen(path);
    return length > 4 && strcmp(path + length - 4, ".tmp") == 0;
}

/* What a process that was killed left. */
static void put_leftover(void) {
    if (test.domain == FAULT_FILES) {
        put(test.leftover, &test.old_state);
    }
}

/* The state is private, and the model's path a link: both must stay so. */
static void restore(void) {
    put(test.state, &test.old_state);
    chmod(test.state, 0600);
    put(test.model, &test.old_model);
    put_leftover();
}

/* ---- one point ---- */

struct point {
    enum mode mode;
    struct fault fault, before; /* `before` makes the way to it */
};

static const char *code_name(const struct point *point, char name[64]) {
    const struct fault_kind *kind = &fault_kinds[point->fault.call];
    if (point->fault.code == FAULT_SHORT) {
        return "a short transfer";
    }
    if (kind->domain != FAULT_OPENCL) {
        return strerror(point->fault.code);
    }
    const char *from = kind->code_names;
    for (int i = 0; kind->codes[i] != point->fault.code; i++) {
        from = strchr(from, ',') + 2;
    }
    snprintf(name, 64, "%.*s", (int)strcspn(from, ","), from);
    return name;
}

static void describe(const struct point *point, FILE *to) {
    char name[64];
    if (point->fault.n == 0) {
        fputs("without a fault", to);
        return;
    }
    fprintf(to, "%s %d%s: %s%s%s%s", fault_kinds[point->fault.call].name, point->fault.n,
            point->fault.lasting ? " and later" : "", code_name(point, name),
            point->mode == COLD ? ", programs from source" : "",
            point->before.n > 0 ? ", after a failing " : "",
            point->before.n > 0 ? fault_kinds[point->before.call].name : "");
}

__attribute__((format(printf, 2, 3))) static void complain(const struct point *point,
                                                           const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("FAILED ", stdout);
    describe(point, stdout);
    fputs(": ", stdout);
    vprintf(format, arguments);
    putchar('\n');
    fflush(stdout);
    va_end(arguments);
    test.failures++;
}

/* To the bit, but for the bytes of padding. */
static bool is_same_record(const minrnn_step_record *a, const minrnn_step_record *b) {
    return a->step == b->step && memcmp(&a->loss, &b->loss, sizeof a->loss) == 0 &&
           memcmp(&a->gradient_norm, &b->gradient_norm, sizeof a->gradient_norm) == 0 &&
           memcmp(&a->rate, &b->rate, sizeof a->rate) == 0;
}

static bool is_as_expected(void) {
    bool same = true;
    for (int i = 0; i < CYCLE_STEPS; i++) {
        same = same && is_same_record(&result.records[i], &test.expected.records[i]);
    }
    return same &&
           memcmp(&result.evaluation, &test.expected.evaluation, sizeof result.evaluation) == 0 &&
           strcmp(result.generated, test.expected.generated) == 0;
}

/* A failed read or write names what it did to which file; lack of memory says so. */
static bool names_call(const struct point *point) {
    const struct fault_kind *kind = &fault_kinds[point->fault.call];
    char buffer[64];
    const char *name = code_name(point, buffer);
    switch (kind->domain) {
    case FAULT_OPENCL:
        /* CLBlast says in its own codes what failed in it, and where on stderr. */
        if (strncmp(result.error, "CLBlastSgemm failed: ", 21) == 0) {
            return true;
        }
        return strstr(result.error, kind->name) && strstr(result.error, name) &&
               (strcmp(name, "CL_BUILD_PROGRAM_FAILURE") != 0 ||
                strstr(result.error, FAULT_BUILD_LOG));
    case FAULT_FILES:
        return strncmp(result.error, "cannot ", 7) == 0 && strstr(result.error, test.folder) &&
               strstr(result.error, name);
    case FAULT_MEMORY: return strstr(result.error, "memory") != NULL;
    }
    return false;
}

/* Whether a GPU's kernel is then tried in a smaller work-group, which sums in another order. */
static bool may_shrink(const struct point *point) {
#ifdef MINRNN_HAVE_OPENCL
    const enum fault_call call = point->fault.call;
    return fault_pretend_gpu &&
           ((call == FAULT_clBuildProgram && point->fault.code == CL_BUILD_PROGRAM_FAILURE) ||
            call == FAULT_clCreateKernel || call == FAULT_clGetKernelWorkGroupInfo);
#else
    (void)point;
    return false;
#endif
}

static bool is_near(double a, double b) {
    return fabs(a - b) <= 1e-4 * fabs(b);
}

static bool is_near_expected(void) {
    bool near = is_near(result.evaluation, test.expected.evaluation);
    for (int i = 0; i < CYCLE_STEPS; i++) {
        near = near && is_near(result.records[i].loss, test.expected.records[i].loss);
    }
    return near;
}

static void check_result(const struct point *point) {
    const bool must_go_on = point->fault.code == FAULT_SHORT || point->fault.code == EINTR;
    if (result.status == MINRNN_OK) {
        if (!is_as_expected() && !(may_shrink(point) && is_near_expected())) {
            complain(point, "no error, but another result");
        }
    } else if (must_go_on) {
        complain(point, "%s: %s", minrnn_status_name(result.status), result.error);
    } else if (!names_call(point) || strchr(result.error, '\n')) {
        complain(point, "the text does not name it: %s: %s", minrnn_status_name(result.status),
                 result.error);
    }
    /* cJSON does not say why it could not parse. */
    if (fault_kinds[point->fault.call].domain == FAULT_MEMORY && result.status &&
        result.status != MINRNN_OUT_OF_MEMORY && point->fault.call != FAULT_cJSON) {
        complain(point, "%s: %s", minrnn_status_name(result.status), result.error);
    }
    if (result.went_on) {
        complain(point, "a trainer whose step failed went on: %s", result.error);
    }
}

static void check_file(const struct point *point, const char *path, const struct content *old,
                       const struct content *new) {
    if (!get(path, &found)) {
        complain(point, "%s is gone", path);
    } else if (may_shrink(point) && found.bytes == new->bytes) {
        return; /* other bits */
    } else if (!same(&found, new) && (result.status == MINRNN_OK || !same(&found, old))) {
        complain(point, "%s is not whole: %zu bytes", path, found.bytes);
    }
}

static void check_resources(const struct point *point) {
    for (int i = 0; i < FAULT_RESOURCES; i++) {
        const int live = fault_live((enum fault_resource)i);
        if (live != 0) {
            complain(point, "%d %s are %s: %s", live, fault_resource_names[i],
                     live > 0 ? "still held" : "given back once too often", result.error);
        }
    }
}

static void check_files(const struct point *point) {
    struct stat info;
    check_file(point, test.state, &test.old_state, &test.new_state);
    check_file(point, test.model, &test.old_model, &test.new_model);
    if (stat(test.state, &info) || (info.st_mode & 0777) != 0600) {
        complain(point, "%s is not private any more", test.state);
    }
    if (lstat(test.model, &info) || !S_ISLNK(info.st_mode)) {
        complain(point, "%s is no link any more", test.model);
    }
}

/* Runs a cycle with the point's fault in it; how often it hit. */
static int run(const struct point *point) {
    each_file(test.kept, remove_file);
    if (point->mode == COLD) {
        each_file(test.cache, remove_file);
    }
    fault_begin(point->fault, point->before);
    cycle_run(&test.paths, 1, test.device, &result);
    fault_end();
    return fault_hits();
}

static int is_stray(const char *path) {
    return is_temporary(path) && strcmp(path, test.leftover) != 0;
}

/* A save that fails removes its temporary file. If it cannot, the next save does, and it also
 * removes what others left. */
static void check_leftovers(const struct point *point) {
    if (each_file(test.folder, is_stray) > 0 && point->fault.call != FAULT_unlink) {
        complain(point, "a temporary file is left");
    }
    if (each_file(test.folder, is_temporary) > 0) {
        cycle_run(&test.paths, 1, test.device, &result);
    }
    if (each_file(test.folder, is_temporary) > 0) {
        complain(point, "a temporary file is left for good");
        each_file(test.folder, remove_file);
        exit(1); /* the text is gone too */
    }
}

static void check_whole_cycle(const struct point *after) {
    const struct point none = {.mode = after->mode};
    run(&none);
    if (result.status || !is_as_expected()) {
        complain(after, "the cycle after it: %s: %s", minrnn_status_name(result.status),
                 result.error);
    }
    check_file(after, test.state, &test.new_state, &test.new_state);
    check_file(after, test.model, &test.new_model, &test.new_model);
}

/* False if the cycle has fewer calls of the kind, so that there was no fault. */
static bool try_point(const struct point *point, long *refused) {
    if (test.trace) {
        describe(point, stderr);
        fputc('\n', stderr);
    }
    restore();
    const bool hit = run(point) > 0;
    if (!hit) {
        check_whole_cycle(point);
        return false;
    }
    test.points++;
    *refused += result.status != MINRNN_OK;
    check_result(point);
    check_files(point);
    check_resources(point);
    check_leftovers(point);
    if (test.points % BETWEEN_CHECKS == 0) {
        check_whole_cycle(point);
    }
    return true;
}

/* ---- the points ---- */

/* Every n, or those a stride apart, with all codes or with one in turn; for lasting faults n
 * doubles. */
static void try_kind(struct point point, int stride, bool all) {
    const struct fault_kind *kind = &fault_kinds[point.fault.call];
    const long before = test.points, failed = test.failures;
    const bool lasting = point.fault.lasting;
    long refused = 0;
    bool hit = true;
    for (int n = 1, turn = 0; hit; n = lasting ? 2 * n : n + stride, turn++) {
        point.fault.n = n;
        for (int i = 0; hit && i < (all ? kind->count : 1); i++) {
            point.fault.code = kind->codes[(all ? i : turn) % kind->count];
            /* What is only ever interrupted never ends: the call is made once. */
            point.fault.lasting &= point.fault.code != EINTR;
            hit = try_point(&point, &refused);
            point.fault.lasting = lasting;
        }
        hit = hit && !(lasting && test.few);
    }
    const long points = test.points - before;
    printf("%-28s %-8s %-8s %7d %7ld %7ld %7ld %7ld\n", kind->name,
           point.before.n > 0   ? "after"
           : point.mode == COLD ? "source"
           : point.mode == OPEN ? "open"
                                : "",
           lasting ? "lasting" : "once", test.calls[point.mode][point.fault.call], points, refused,
           points - refused, test.failures - failed);
    fflush(stdout);
}

static bool is_wanted(enum fault_call call) {
    const struct fault_kind *kind = &fault_kinds[call];
    return kind->domain == test.domain && (!test.only || strcmp(kind->name, test.only) == 0);
}

/* That a device outlives any number of faults is worth knowing too. */
static void open_device(void) {
    if (minrnn_device_open(NULL, &test.device)) {
        die("cannot open the device", minrnn_error_text());
    }
    cycle_run(&test.paths, 1, test.device, &result);
}

static void close_device(void) {
    minrnn_device_destroy(test.device);
    test.device = NULL;
}

static void try_mode(enum mode mode) {
    const bool every = test.all && (mode != COLD || test.source || !test.is_opencl);
    for (int i = 0; i < FAULT_CALLS; i++) {
        const int calls = test.calls[mode][i];
        const bool is_new = mode == WARM || calls != test.calls[WARM][i] ||
                            strcmp(fault_kinds[i].name, "clBuildProgram") == 0;
        if (!is_wanted((enum fault_call)i) || calls == 0 || !is_new) {
            continue;
        }
        const int points = calls * fault_kinds[i].count;
        const bool all = every || (points <= FEW_POINTS && !test.few);
        struct point point = {.mode = mode, .fault = {.call = (enum fault_call)i}};
        if (mode == WARM && calls > MANY_CALLS && calls == test.calls[OPEN][i]) {
            point.mode = OPEN;
            open_device();
        }
        const bool some =
            !every && (mode == COLD || (test.is_opencl && test.domain != FAULT_OPENCL));
        const int most = test.few ? FEW_CALLS : some ? SOME_CALLS : calls + 1;
        try_kind(point, calls / most + 1, all);
        point.fault.lasting = true;
        try_kind(point, 1, every);
        close_device();
    }
}

/* What is called only after a failure of `before`. */
static void try_after(enum mode mode, struct fault before, enum fault_call call) {
    if (is_wanted(call)) {
        try_kind((struct point){.mode = mode, .fault = {.call = call}, .before = before}, 1, true);
    }
}

/* ---- the beginning and the end ---- */

static void join(char path[PATH_CAPACITY], const char *name) {
    (void)snprintf(path, PATH_CAPACITY, "%s/%s", test.folder, name);
}

static void make_folder(void) {
    char target[PATH_CAPACITY], file[PATH_CAPACITY], link[PATH_CAPACITY];
    const char *parent = getenv("TMPDIR");
    const int length = snprintf(test.folder, sizeof test.folder, "%s/minrnn-faults-XXXXXX",
                                parent ? parent : "/tmp");
    if (length >= (int)sizeof test.folder || !mkdtemp(test.folder)) {
        die("cannot make", test.folder);
    }
    join(test.cache, "cache");
    join(test.text, "text");
    join(test.state, "model.state");
    join(test.model, "model");
    join(test.kept, "kept");
    join(test.other, "kept/other");
    join(test.leftover, "model.state.1-1.tmp");
    setenv("MINRNN_CACHE", test.cache, 1);
    test.paths.text = test.text;
    test.paths.state = test.state;
    test.paths.model = test.model;
    test.paths.other = test.other;
    test.paths.kept = test.kept;
    struct content text = {.bytes = 0};
    for (int i = 0; i < 20; i++) {
        text.bytes += (size_t)snprintf(text.data + text.bytes, sizeof text.data - text.bytes,
                                       "the quick brown fox jumps over the lazy dog once more, "
                                       "%d times\n",
                                       i);
    }
    /* A folder of two documents. */
    join(file, "text/1");
    join(link, "text/2");
    if (mkdir(test.text, 0700) || symlink("1", link)) {
        die("cannot make", test.text);
    }
    put(file, &text);
    if (mkdir(test.kept, 0700)) {
        die("cannot make", test.kept);
    }
    join(target, "target");
    put(target, &text); /* whatever: a link to nothing is replaced */
    if (symlink("target", test.model)) {
        die("cannot make", test.model);
    }
}

static void remove_folder(void) {
    each_file(test.cache, remove_file);
    each_file(test.kept, remove_file);
    each_file(test.text, remove_file);
    rmdir(test.text);
    rmdir(test.cache);
    rmdir(test.kept);
    each_file(test.folder, remove_file);
    rmdir(test.folder);
}

/* A cycle without a fault, whose results are kept. */
static void run_expected(enum mode mode, uint64_t seed, struct content *state,
                         struct content *model) {
    const struct fault none = {0};
    if (mode == COLD) {
        each_file(test.cache, remove_file);
    }
    put_leftover();
    fault_begin(none, none);
    cycle_run(&test.paths, seed, test.device, &result);
    fault_end();
    if (result.status == MINRNN_DEVICE_NOT_FOUND) {
        printf("skipped: %s\n", result.error);
        remove_folder();
        exit(EXIT_SKIPPED);
    }
    if (result.status || !get(test.state, state) || !get(test.model, model)) {
        printf("without a fault: %s: %s\n", minrnn_status_name(result.status), result.error);
        exit(1);
    }
    for (int i = 0; i < FAULT_CALLS; i++) {
        test.calls[mode][i] = fault_calls((enum fault_call)i);
    }
    check_resources(&(struct point){.mode = mode});
}

static void expect_same(void) {
    if (!is_as_expected()) {
        printf("FAILED: two cycles without a fault differ\n");
        test.failures++;
    }
}

/* A driver's events cost it time: a step makes one. It is gone with the step's record, or at once
 * if the step was waited for, as the first is. Two steps run before the first record is taken, and
 * the third after the second's. */
static void check_events(void) {
    static const int most[CYCLE_STEPS] = {0, 1, 1}, after[CYCLE_STEPS] = {1, 0, 0};
    for (int i = 0; i < CYCLE_STEPS; i++) {
        if (result.events_made[i] != test.is_opencl || result.events[i] > most[i] ||
            result.events_after[i] > after[i]) {
            printf("FAILED: step %d makes %d events, leaves %d, and %d when its record is taken\n",
                   i + 1, result.events_made[i], result.events[i], result.events_after[i]);
            test.failures++;
        }
    }
}

static void prepare(void) {
    make_folder();
    run_expected(COLD, 2, &test.old_state, &test.old_model);
    run_expected(COLD, 1, &test.new_state, &test.new_model);
    test.expected = result;
#ifdef MINRNN_HAVE_OPENCL
    test.is_opencl = test.calls[COLD][FAULT_clBuildProgram] > 0;
#endif
    check_events();
    run_expected(WARM, 1, &test.new_state, &test.new_model);
    expect_same();
    open_device();
    run_expected(OPEN, 1, &test.new_state, &test.new_model);
    expect_same();
    close_device();
}

static bool parse(int argc, char **argv) {
    static const char *const domains[] = {"opencl", "files", "memory"};
    int domain = 0;
    while (argc > 1 && domain < 3 && strcmp(argv[1], domains[domain]) != 0) {
        domain++;
    }
    test.domain = (enum fault_domain)domain;
    test.paths.mixer = "mingru";
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--all") == 0) {
            test.all = true;
        } else if (strcmp(argv[i], "--few") == 0) {
            test.few = true;
        } else if (strcmp(argv[i], "--source") == 0) {
            test.source = true;
        } else if (strcmp(argv[i], "--trace") == 0) {
            test.trace = true;
        } else if (strcmp(argv[i], "--gpu") == 0) {
            fault_pretend_gpu = true;
        } else if (strcmp(argv[i], "--call") == 0 && i + 1 < argc) {
            test.only = argv[++i];
        } else if (strcmp(argv[i], "--mixer") == 0 && i + 1 < argc) {
            test.paths.mixer = argv[++i];
        } else {
            return false;
        }
    }
    return argc > 1 && domain < 3;
}

int main(int argc, char **argv) {
    if (!parse(argc, argv)) {
        fprintf(stderr, "usage: test_faults opencl|files|memory [--all [--source] | --few] [--gpu] "
                        "[--trace] [--call NAME] [--mixer NAME]\n");
        return 2;
    }
    wrap_start();
    prepare();
    printf("%-28s %-8s %-8s %7s %7s %7s %7s %7s\n", "call", "way", "fails", "calls", "points",
           "refused", "went on", "FAILED");
    try_mode(WARM);
    try_after(WARM, (struct fault){FAULT_rename, 1, EIO, true}, FAULT_unlink);
#ifdef MINRNN_HAVE_OPENCL
    if (test.is_opencl && test.domain != FAULT_FILES) { /* for those of programs see cycle.c */
        try_mode(COLD);
        try_after(COLD, (struct fault){FAULT_clBuildProgram, 1, CL_BUILD_PROGRAM_FAILURE, true},
                  FAULT_clGetProgramBuildInfo);
    }
#endif
    remove_folder();
    if (test.points == 0) {
        printf("FAILED: no fault was injected: is OPENCL_LAYERS set?\n");
        test.failures++;
    }
    printf("%ld injection points tried, %ld complaints\n", test.points, test.failures);
    return test.failures > 0;
}
