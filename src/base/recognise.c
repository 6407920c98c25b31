/* SPDX-License-Identifier: Apache-2.0 */
/* The beginnings of files, from the formats' own descriptions and file(1). */
#include "base/recognise.h"

#include "base/utf8.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum kind_uses { INSTEAD_OF_MODEL = 1, INSTEAD_OF_TEXT = 2, POINTER = 4 };
#define ANYWHERE (INSTEAD_OF_MODEL | INSTEAD_OF_TEXT)

/* A file's beginning. */
struct head {
    const char *data;
    size_t bytes;
};

struct kind {
    int uses;
    size_t offset;
    const char *magic;
    size_t bytes;                          /* of the magic; 0: any beginning will do */
    bool (*also)(const struct head *head); /* NULL: the magic is enough */
    struct recognised recognised;
};

static bool starts(const struct head *head, size_t offset, const char *magic, size_t bytes) {
    return head->bytes >= offset + bytes && memcmp(head->data + offset, magic, bytes) == 0;
}

static bool contains(const struct head *head, const char *part) {
    const size_t length = strlen(part);
    for (size_t at = 0; at + length <= head->bytes; at++) {
        if (memcmp(head->data + at, part, length) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- archives of the kind zip: by the name of their first member ---- */

enum { ZIP_NAME_LENGTH = 26, ZIP_NAME = 30 };

static struct head zip_name(const struct head *head) {
    const unsigned char *data = (const unsigned char *)head->data;
    if (head->bytes < ZIP_NAME) {
        return (struct head){head->data, 0};
    }
    const size_t length = data[ZIP_NAME_LENGTH] | (size_t)data[ZIP_NAME_LENGTH + 1] << 8;
    const size_t left = head->bytes - ZIP_NAME;
    return (struct head){head->data + ZIP_NAME, length < left ? length : left};
}

static bool ends(const struct head *name, const char *end) {
    const size_t length = strlen(end);
    return name->bytes >= length && memcmp(name->data + name->bytes - length, end, length) == 0;
}

/* ARCHIVE/data.pkl, or ARCHIVE/data/0 in a program of TorchScript. */
static bool is_torch_zip(const struct head *head) {
    struct head name = zip_name(head);
    if (ends(&name, "/data.pkl") || ends(&name, "/version") || ends(&name, "/byteorder")) {
        return true;
    }
    while (name.bytes > 0 && name.data[name.bytes - 1] >= '0' && name.data[name.bytes - 1] <= '9') {
        name.bytes--;
    }
    return ends(&name, "/data/");
}

static bool is_npz(const struct head *head) {
    const struct head name = zip_name(head);
    return ends(&name, ".npy");
}

static bool is_keras(const struct head *head) {
    const struct head name = zip_name(head);
    return ends(&name, "metadata.json") || ends(&name, "config.json") ||
           ends(&name, "model.weights.h5");
}

static bool is_office(const struct head *head) {
    const struct head name = zip_name(head);
    return ends(&name, "[Content_Types].xml") || ends(&name, "mimetype");
}

/* ---- other formats that no fixed bytes tell ---- */

static bool is_safetensors(const struct head *head) {
    uint64_t length = 0;
    for (size_t i = 0; i < 8 && i < head->bytes; i++) {
        length |= (uint64_t)(unsigned char)head->data[i] << 8 * i;
    }
    return head->bytes > 8 && length >= 2 && length <= 100000000 && head->data[8] == '{';
}

static bool is_own(const struct head *head) {
    return is_safetensors(head) && contains(head, "\"minrnn.");
}

/* Protocols 2 to 5. */
static bool is_pickle(const struct head *head) {
    return head->bytes > 2 && head->data[1] >= 2 && head->data[1] <= 5 &&
           strchr("\x95\x8A\x8C}](cX", head->data[2]) && head->data[2];
}

/* A version of the format, then the name of the program that wrote it, then another field. */
static bool is_onnx(const struct head *head) {
    const unsigned char *data = (const unsigned char *)head->data;
    if (head->bytes < 8 || data[1] < 3 || data[1] > 20 || data[2] != 0x12 || data[3] < 3 ||
        data[3] > 60 || head->bytes <= 4u + data[3]) {
        return false;
    }
    for (size_t i = 4; i < 4u + data[3]; i++) {
        if (data[i] < 0x20 || data[i] > 0x7E) {
            return false;
        }
    }
    const unsigned char next = data[4 + data[3]];
    return next == 0x1A || next == 0x22 || next == 0x3A || next == 0x42;
}

static bool is_bzip2(const struct head *head) {
    return starts(head, 4, "1AY&SY", 6);
}

static bool is_zeros(const struct head *head) {
    size_t zeros = 0;
    while (zeros < head->bytes && head->data[zeros] == 0) {
        zeros++;
    }
    return zeros == head->bytes && zeros >= 64;
}

static struct head skip_blank(const struct head *head) {
    static const char mark[] = "\xEF\xBB\xBF";
    struct head left = *head;
    if (starts(head, 0, mark, 3)) {
        left = (struct head){head->data + 3, head->bytes - 3};
    }
    while (left.bytes > 0 && memchr(" \t\r\n", left.data[0], 4)) {
        left = (struct head){left.data + 1, left.bytes - 1};
    }
    return left;
}

static bool starts_tag(const struct head *head, const char *tag) {
    const struct head text = skip_blank(head);
    const size_t length = strlen(tag);
    return text.bytes >= length && strncasecmp(text.data, tag, length) == 0;
}

static bool is_page(const struct head *head) {
    return starts_tag(head, "<!doctype html") || starts_tag(head, "<html");
}

static bool is_xml(const struct head *head) {
    return starts_tag(head, "<?xml");
}

/* Text as far as it is looked at; its last character may be cut. */
static bool is_text(const struct head *head) {
    for (size_t at = 0; at < head->bytes;) {
        uint32_t code = 0;
        const int length = utf8_decode(head->data + at, head->bytes - at, &code);
        if (length == 0) {
            return at > 0 && head->bytes == RECOGNISE_BYTES &&
                   utf8_may_begin(head->data + at, head->bytes - at);
        }
        if (code < 0x20 && !(code >= '\t' && code <= '\r')) {
            return false;
        }
        at += (size_t)length;
    }
    return head->bytes > 0;
}

static bool is_json(const struct head *head) {
    const struct head text = skip_blank(head);
    return text.bytes > 0 && (text.data[0] == '{' || text.data[0] == '[') && is_text(head);
}

static bool is_index(const struct head *head) {
    return is_json(head) && contains(head, "\"weight_map\"");
}

static bool is_dvc(const struct head *head) {
    return head->bytes < RECOGNISE_BYTES && is_text(head) &&
           (contains(head, "md5: ") || contains(head, "etag: "));
}

static bool is_small_text(const struct head *head) {
    return head->bytes < RECOGNISE_BYTES && is_text(head);
}

/* ---- the table ---- */

#define MAGIC(offset, magic) offset, magic, sizeof magic - 1
#define ANY 0, "", 0
#define PYTHON "python3 -c \"import sys, "
#define SAVE_STATE                                                                                 \
    PYTHON "torch, safetensors.torch as s; d = torch.load(sys.argv[1], map_location='cpu'); "      \
           "d = d.get('state_dict', d.get('model', d)); "                                          \
           "s.save_file({k: v.contiguous().clone() for k, v in d.items()}, sys.argv[2])\" "        \
           "@ model.safetensors"
#define SAVE_SHARDS                                                                                \
    PYTHON "json, os, safetensors.torch as s; i = sys.argv[1]; "                                   \
           "s.save_file({k: v for f in set(json.load(open(i))['weight_map'].values()) "            \
           "for k, v in s.load_file(os.path.join(os.path.dirname(i), f)).items()}, "               \
           "sys.argv[2])\" @ model.safetensors"
#define SAVE_NPZ                                                                                   \
    PYTHON "numpy, safetensors.numpy as s; s.save_file(dict(numpy.load(sys.argv[1])), "            \
           "sys.argv[2])\" @ model.safetensors"
#define SAVE_ELSEWHERE "save its tensors with safetensors where it was made"

/* The first that holds is taken. */
static const struct kind kinds[] = {
    {ANYWHERE | POINTER,
     MAGIC(0, "version https://git-lfs.github.com/spec/"),
     NULL,
     {"a pointer of Git LFS in the file's place", "git lfs pull"}},
    {ANYWHERE | POINTER,
     MAGIC(0, "/annex/objects/"),
     is_small_text,
     {"a pointer of git-annex in the file's place", "git annex get @"}},
    {ANYWHERE | POINTER,
     MAGIC(0, "# xet version "),
     is_small_text,
     {"a pointer of Git Xet in the file's place", "download the file itself"}},
    {ANYWHERE | POINTER,
     MAGIC(0, "outs:\n- "),
     is_dvc,
     {"a pointer of DVC in the file's place", "dvc pull @"}},

    {INSTEAD_OF_TEXT, ANY, is_own, {"a model that minrnn saved", "--model takes it"}},
    {INSTEAD_OF_TEXT, ANY, is_safetensors, {"a safetensors file", "--model takes one"}},
    {ANYWHERE, MAGIC(0, "PK\3\4"), is_torch_zip, {"a PyTorch checkpoint", SAVE_STATE}},
    {ANYWHERE,
     MAGIC(0, "\x80\2\x8A\x0Al\xFC\x9C"),
     NULL,
     {"a PyTorch checkpoint of the old format", SAVE_STATE}},
    {ANYWHERE,
     MAGIC(0, "\x80"),
     is_pickle,
     {"a Python pickle", "a pickle can run any code; " SAVE_ELSEWHERE}},
    {ANYWHERE, MAGIC(0, "PK\3\4"), is_npz, {"an archive of NumPy arrays (.npz)", SAVE_NPZ}},
    {ANYWHERE,
     MAGIC(0, "\x93NUMPY"),
     NULL,
     {"one NumPy array (.npy)", "a model has several tensors; " SAVE_ELSEWHERE}},
    {ANYWHERE, MAGIC(0, "PK\3\4"), is_keras, {"a Keras model", SAVE_ELSEWHERE}},
    {ANYWHERE,
     MAGIC(0, "\x89HDF\r\n\x1A\n"),
     NULL,
     {"an HDF5 file (as Keras writes)", SAVE_ELSEWHERE}},
    {ANYWHERE,
     MAGIC(0, "GGUF"),
     NULL,
     {"a GGUF file (of llama.cpp)", "take the model's safetensors file instead"}},
    {ANYWHERE,
     MAGIC(0, "lmgg"),
     NULL,
     {"a GGML file (of llama.cpp)", "take the model's safetensors file instead"}},
    {ANYWHERE,
     MAGIC(0, "fmgg"),
     NULL,
     {"a GGML file (of llama.cpp)", "take the model's safetensors file instead"}},
    {ANYWHERE,
     MAGIC(0, "tjgg"),
     NULL,
     {"a GGML file (of llama.cpp)", "take the model's safetensors file instead"}},
    {ANYWHERE, MAGIC(4, "TFL3"), NULL, {"a TensorFlow Lite model", SAVE_ELSEWHERE}},
    {ANYWHERE, MAGIC(0, "\x08"), is_onnx, {"an ONNX model", SAVE_ELSEWHERE}},

    {ANYWHERE, MAGIC(0, "\x1F\x8B"), NULL, {"compressed with gzip", "gunzip < @ > unpacked"}},
    {ANYWHERE, MAGIC(0, "\x1F\x9D"), NULL, {"compressed with compress", "gunzip < @ > unpacked"}},
    {ANYWHERE,
     MAGIC(0, "\x28\xB5\x2F\xFD"),
     NULL,
     {"compressed with zstd", "zstd -d < @ > unpacked"}},
    {ANYWHERE,
     MAGIC(0, "\xFD"
              "7zXZ\0"),
     NULL,
     {"compressed with xz", "xz -d < @ > unpacked"}},
    {ANYWHERE, MAGIC(0, "LZIP\1"), NULL, {"compressed with lzip", "lzip -d < @ > unpacked"}},
    {ANYWHERE, MAGIC(0, "BZh"), is_bzip2, {"compressed with bzip2", "bzip2 -d < @ > unpacked"}},
    {ANYWHERE, MAGIC(0, "\4\x22\x4D\x18"), NULL, {"compressed with lz4", "lz4 -d < @ > unpacked"}},
    {ANYWHERE,
     MAGIC(0, "PK\3\4"),
     is_office,
     {"an office document or e-book", "save it as plain text"}},
    {ANYWHERE, MAGIC(0, "PK\3\4"), NULL, {"a zip archive", "unzip @"}},
    {ANYWHERE, MAGIC(0, "PK\5\6"), NULL, {"an empty zip archive", ""}},
    {ANYWHERE, MAGIC(0, "7z\xBC\xAF\x27\x1C"), NULL, {"a 7-Zip archive", "7z x @"}},
    {ANYWHERE, MAGIC(0, "Rar!\x1A\7"), NULL, {"a RAR archive", "unrar x @"}},
    {ANYWHERE, MAGIC(257, "ustar"), NULL, {"a tar archive", "tar -xf @"}},

    {ANYWHERE, MAGIC(0, "%PDF-"), NULL, {"a PDF", "pdftotext @ text.txt"}},
    {ANYWHERE,
     MAGIC(0, "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"),
     NULL,
     {"an old office document", "save it as plain text"}},
    {ANYWHERE,
     MAGIC(0, "PAR1"),
     NULL,
     {"a Parquet table",
      PYTHON "pandas; print('\\n'.join(pandas.read_parquet(sys.argv[1])['text']))\" @ > text.txt"}},
    {ANYWHERE, MAGIC(0, "ARROW1"), NULL, {"an Arrow table", "write its column of text to a file"}},
    {ANYWHERE,
     MAGIC(0, "SQLite format 3"),
     NULL,
     {"an SQLite database", "write its column of text to a file"}},
    {ANYWHERE, MAGIC(0, "\x89PNG\r\n"), NULL, {"an image (PNG)", ""}},
    {ANYWHERE, MAGIC(0, "\xFF\xD8\xFF"), NULL, {"an image (JPEG)", ""}},
    {ANYWHERE, MAGIC(0, "GIF8"), NULL, {"an image (GIF)", ""}},
    {ANYWHERE, MAGIC(0, "RIFF"), NULL, {"audio, video or an image (RIFF)", ""}},
    {ANYWHERE, MAGIC(0, "OggS"), NULL, {"audio or video (Ogg)", ""}},
    {ANYWHERE, MAGIC(0, "ID3"), NULL, {"audio (MP3)", ""}},
    {ANYWHERE, MAGIC(4, "ftyp"), NULL, {"audio or video (MP4)", ""}},
    {ANYWHERE,
     MAGIC(0, "\x7F"
              "ELF"),
     NULL,
     {"a program (ELF)", ""}},
    {ANYWHERE,
     ANY,
     is_zeros,
     {"filled with zeros, as an unfinished download is", "download or copy it again"}},

    {INSTEAD_OF_MODEL,
     ANY,
     is_index,
     {"the index of a model in several files, which have to be one", SAVE_SHARDS}},
    {INSTEAD_OF_MODEL, ANY, is_json, {"JSON", "name the safetensors file that it belongs to"}},
    {INSTEAD_OF_MODEL,
     ANY,
     is_page,
     {"a web page", "it came in the file's place: download the file itself"}},
    {INSTEAD_OF_MODEL,
     ANY,
     is_xml,
     {"XML", "it may be a server's error in the file's place: download the file again"}},
    {INSTEAD_OF_MODEL,
     ANY,
     is_text,
     {"plain text", "it may be a server's message in the file's place: see what it says"}},
};

static const struct recognised *find(const char *data, size_t bytes, int uses) {
    const struct head head = {data, bytes < RECOGNISE_BYTES ? bytes : RECOGNISE_BYTES};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const struct kind *kind = &kinds[i];
        if ((kind->uses & uses) && starts(&head, kind->offset, kind->magic, kind->bytes) &&
            (!kind->also || kind->also(&head))) {
            return &kind->recognised;
        }
    }
    return NULL;
}

const struct recognised *recognise_not_model(const char *head, size_t bytes) {
    return find(head, bytes, INSTEAD_OF_MODEL);
}

const struct recognised *recognise_not_text(const char *head, size_t bytes) {
    return find(head, bytes, INSTEAD_OF_TEXT);
}

const struct recognised *recognise_pointer(const char *head, size_t bytes) {
    return find(head, bytes, POINTER);
}

/* ---- remedies ---- */

void quote_path(const char *path, char *text, size_t capacity) {
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "_./+-@%:,=";
    const bool quotes = path[0] == '\0' || path[strspn(path, plain)] != '\0';
    size_t used = (size_t)snprintf(text, capacity, "%s", quotes ? "'" : "");
    for (; *path && used + 6 < capacity; path++) {
        used += (size_t)snprintf(text + used, capacity - used, "%.*s", *path == '\'' ? 4 : 1,
                                 *path == '\'' ? "'\\''" : path);
    }
    if (quotes) {
        snprintf(text + used, capacity - used, "'");
    }
}

void remedy_print(const struct recognised *recognised, const char *path,
                  char text[REMEDY_CAPACITY]) {
    char quoted[REMEDY_CAPACITY / 2] = "FILE";
    if (path) {
        quote_path(path, quoted, sizeof quoted);
    }
    size_t used = 0;
    text[0] = '\0';
    for (const char *at = recognised->remedy; *at && used + 1 < REMEDY_CAPACITY; at++) {
        if (at == recognised->remedy) {
            used += (size_t)snprintf(text, REMEDY_CAPACITY, ": ");
        }
        used += (size_t)snprintf(text + used, REMEDY_CAPACITY - used, "%.*s",
                                 *at == '@' ? (int)sizeof quoted : 1, *at == '@' ? quoted : at);
    }
}
