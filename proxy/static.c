/*
 * static.c - folders in memory (see static.h). Shared by all workers, who only read.
 */
#include "static.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "accept.h"
#include "etag.h"
#include "gzip.h"

#define FILES_MAX 1024
#define BYTES_MAX (64u * 1024 * 1024)
#define DEPTH_MAX 8
#define PATH_SIZE 512
#define BUNDLER_HASH 8

/* Pages take everything from here, but for pictures and connections that are allowed, and are in nobody's frame. */
#define PAGE_POLICY(pictures, connections) \
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:" pictures "; " \
	"font-src 'self'; connect-src 'self'" connections "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
#define POLICY_SIZE 1024

struct static_file
{
	char	   *path;			/* in a URL */
	const char *type;
	char	   *body;
	size_t		length;
	char	   *gzip;			/* NULL: it is not shorter */
	size_t		gzip_length;
	char	   *policy;			/* of a page that is allowed more than others; NULL: it is not */
	char		etag[ETAG_SIZE];
};

struct statics
{
	struct static_file *files;
	size_t		count;
	size_t		bytes;
};

static const struct
{
	const char *ending;
	const char *type;
}			types[] = {
	{".avif", "image/avif"},
	{".css", "text/css; charset=utf-8"},
	{".html", "text/html; charset=utf-8"},
	{".ico", "image/vnd.microsoft.icon"},
	{".jpg", "image/jpeg"},
	{".js", "text/javascript; charset=utf-8"},
	{".json", "application/json"},
	{".map", "application/json"},
	{".mjs", "text/javascript; charset=utf-8"},
	{".png", "image/png"},
	{".svg", "image/svg+xml"},
	{".txt", "text/plain; charset=utf-8"},
	{".wasm", "application/wasm"},
	{".webmanifest", "application/manifest+json"},
	{".webp", "image/webp"},
	{".woff2", "font/woff2"},
};

static bool
refuse(char *why, size_t why_size, const char *path, const char *reason)
{
	snprintf(why, why_size, "%s: %s", path, reason);
	return false;
}

static bool
ends_with(const char *name, const char *ending)
{
	size_t		length = strlen(name);

	return length >= strlen(ending) && strcmp(name + length - strlen(ending), ending) == 0;
}

static const char *
type_of(const char *path)
{
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (ends_with(path, types[i].ending))
			return types[i].type;
	return "application/octet-stream";
}

/* Is it what a bundler names by its content: /assets/…-XXXXXXXX.js, with eight letters, digits, - or _? */
static bool
is_hashed_asset(const char *path, const char *end)
{
	static const char folder[] = "/assets/";

	return strncmp(path, folder, sizeof folder - 1) == 0 && end != NULL &&
		end - path > (ptrdiff_t) sizeof folder + BUNDLER_HASH && end[-1 - BUNDLER_HASH] == '-' &&
		memchr(end - BUNDLER_HASH, '/', BUNDLER_HASH) == NULL;
}

/* Has the name a version or a hash before its ending, as in app-4f1c9a2b.js? Then it never changes. */
static bool
is_versioned(const char *path)
{
	const char *part = strrchr(path, '-');
	const char *end = strrchr(path, '.');

	if (is_hashed_asset(path, end))
		return true;
	if (part == NULL || end == NULL || end - part < 6 || strchr(part, '/') != NULL || ends_with(path, ".html"))
		return false;
	return strcspn(part, "0123456789") < (size_t) (end - part);
}

/* ---- reading ---- */

struct statics *
statics_create(void)
{
	struct statics *statics = calloc(1, sizeof *statics);

	if (statics != NULL)
		statics->files = calloc(FILES_MAX, sizeof *statics->files);
	if (statics != NULL && statics->files != NULL)
		return statics;
	free(statics);
	return NULL;
}

/* Add a file whose body, which it takes over, is in memory. False when memory is out. */
static bool
add_file(struct statics *statics, const char *path, char *body, size_t length)
{
	struct static_file *file = &statics->files[statics->count];

	file->path = strdup(path);
	if (file->path == NULL)
	{
		free(body);
		return false;
	}
	file->type = type_of(path);
	file->body = body;
	file->length = length;
	if (length > GZIP_LEAST)
		file->gzip = gzip_compress(body, length, GZIP_KEPT, &file->gzip_length);
	etag_make(file->etag, body, length);
	statics->count++;
	statics->bytes += length;
	return true;
}

bool
statics_add_text(struct statics *statics, const char *path, const char *body)
{
	char	   *copy;

	if (statics->count == FILES_MAX)
		return false;
	copy = strdup(body);
	if (copy == NULL || !add_file(statics, path, copy, strlen(body)))
		return false;
	statics->files[statics->count - 1].type = "text/plain; charset=utf-8";
	return true;
}

/* Read all of a file; NULL when that fails. */
static char *
read_all(int fd, size_t length)
{
	char	   *body = malloc(length + 1);
	size_t		done = 0;

	while (body != NULL && done < length)
	{
		ssize_t		count = read(fd, body + done, length - done);

		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
		{
			free(body);
			return NULL;
		}
		done += (size_t) count;
	}
	return body;
}

static bool add_entries(struct statics *statics, int folder, const char *prefix, int depth,
						char *why, size_t why_size);

/* Add what is open: a regular file, or a folder's files; anything else is passed over. */
static bool
add_open(struct statics *statics, int fd, const char *path, int depth, char *why, size_t why_size)
{
	struct stat status;
	char	   *body;

	if (fstat(fd, &status) != 0)
		return refuse(why, why_size, path, strerror(errno));
	if (S_ISDIR(status.st_mode))
		return depth < DEPTH_MAX ? add_entries(statics, fd, path, depth + 1, why, why_size)
			: refuse(why, why_size, path, "too deep");
	if (!S_ISREG(status.st_mode))
		return true;
	if (statics->count == FILES_MAX || status.st_size > (off_t) (BYTES_MAX - statics->bytes))
		return refuse(why, why_size, path, "too many or too large files");
	body = read_all(fd, (size_t) status.st_size);
	if (body == NULL)
		return refuse(why, why_size, path, "cannot be read");
	return add_file(statics, path, body, (size_t) status.st_size) ||
		refuse(why, why_size, path, "out of memory");
}

/* The path of an entry; false when it is too long. */
static bool
entry_path(char path[PATH_SIZE], const char *prefix, const char *name, int depth)
{
	bool		is_index = depth == 0 && strcmp(name, "index.html") == 0;
	const char *separator = is_index && *prefix != '\0' ? "" : "/";
	int			length = snprintf(path, PATH_SIZE, "%s%s%s", prefix, separator, is_index ? "" : name);

	return length < PATH_SIZE;
}

static bool
add_entry(struct statics *statics, int folder, const char *prefix, const char *name, int depth,
		  char *why, size_t why_size)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
	char		path[PATH_SIZE];
	bool		good;
	int			fd;

	if (*name == '.' || strspn(name, plain) != strlen(name) || !entry_path(path, prefix, name, depth))
		return true;
	fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == ELOOP || refuse(why, why_size, name, strerror(errno));
	good = add_open(statics, fd, path, depth, why, why_size);
	/* the index of the top folder has its path, but its own name's type */
	if (good && statics->count > 0 && strcmp(statics->files[statics->count - 1].path, path) == 0)
		statics->files[statics->count - 1].type = type_of(name);
	close(fd);
	return good;
}

/* Add the entries of a folder; its descriptor stays the caller's. */
static bool
add_entries(struct statics *statics, int folder, const char *prefix, int depth, char *why, size_t why_size)
{
	int			copy = fcntl(folder, F_DUPFD_CLOEXEC, 0);
	DIR		   *directory = copy >= 0 ? fdopendir(copy) : NULL;
	struct dirent *entry;
	bool		good = true;

	if (directory == NULL)
	{
		refuse(why, why_size, prefix, strerror(errno));
		if (copy >= 0)
			close(copy);
		return false;
	}
	while (good && (entry = readdir(directory)) != NULL)
		good = add_entry(statics, folder, prefix, entry->d_name, depth, why, why_size);
	closedir(directory);
	return good;
}

bool
statics_add_folder(struct statics *statics, const char *prefix, const char *folder,
				   char *why, size_t why_size)
{
	int			fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool		good;

	if (fd < 0)
		return refuse(why, why_size, folder, strerror(errno));
	good = add_entries(statics, fd, prefix, 0, why, why_size);
	close(fd);
	return good;
}

void
statics_free(struct statics *statics)
{
	if (statics == NULL)
		return;
	for (size_t i = 0; i < statics->count; i++)
	{
		free(statics->files[i].path);
		free(statics->files[i].body);
		free(statics->files[i].gzip);
		free(statics->files[i].policy);
	}
	free(statics->files);
	free(statics);
}

/* ---- answering ---- */

static bool
is_page(const struct static_file *file)
{
	return strncmp(file->type, "text/html", 9) == 0;
}

static struct static_file *
find(const struct statics *statics, const char *path, size_t length)
{
	for (size_t i = 0; i < statics->count; i++)
		if (strlen(statics->files[i].path) == length && memcmp(statics->files[i].path, path, length) == 0)
			return &statics->files[i];
	return NULL;
}

const struct static_file *
statics_find(const struct statics *statics, const char *path, size_t length)
{
	return find(statics, path, length);
}

bool
statics_allow(struct statics *statics, const char *path, const char *pictures, const char *connections)
{
	struct static_file *file = find(statics, path, strlen(path));
	char		policy[POLICY_SIZE];

	if (file == NULL || !is_page(file))
		return true;
	if (snprintf(policy, sizeof policy, PAGE_POLICY(" %s", " %s"), pictures, connections) >= POLICY_SIZE)
		return false;
	free(file->policy);
	file->policy = strdup(policy);
	return file->policy != NULL;
}

const struct static_file *
statics_page(const struct statics *statics)
{
	const struct static_file *page = statics_find(statics, "/", 1);

	return page != NULL && is_page(page) ? page : NULL;
}

void
static_answer(struct answer *answer, const struct static_file *file, const char *accept_encoding)
{
	bool		compressed = file->gzip != NULL && accept_gzip(accept_encoding);

	answer->status = 200;
	answer->shared = compressed ? file->gzip : file->body;
	answer->shared_length = compressed ? file->gzip_length : file->length;
	answer_add_header(answer, "Content-Type", file->type);
	answer_add_header(answer, "ETag", file->etag);
	answer_add_header(answer, "Cache-Control", is_versioned(file->path)
					  ? "public, max-age=31536000, immutable" : "public, no-cache");
	if (compressed)
		answer_add_header(answer, "Content-Encoding", "gzip");
	/* pages of other origins show pictures of this one */
	if (strncmp(file->type, "image/", 6) == 0)
		answer_add_header(answer, "Cross-Origin-Resource-Policy", "cross-origin");
	if (!is_page(file))
		return;
	/* at the same path others get a problem */
	answer_add_header(answer, "Vary", "Accept");
	answer_add_header(answer, "Content-Security-Policy", file->policy != NULL ? file->policy : PAGE_POLICY("", ""));
}
