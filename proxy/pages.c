/*
 * pages.c - finds the folders of the web app, of the page at /api-docs and of the standard
 * badges' pictures (see pages.h).
 */
#include "pages.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PLACES 2
#define PLACE_SIZE 200

struct page
{
	const char *setting;
	const char *prefix;
	const char *path;			/* of its index.html; NULL: it needs none */
	const char *places[PLACES]; /* from the program's folder: installed, then in the sources */
	const char *missing;		/* what is said instead */
};

static const struct page api_docs = {
	"API_DOCS_ROOT", "/api-docs", "/api-docs",
	{"../share/timetrackr/api-docs", "../web/api-docs/dist"},
	"This API is described at /openapi.json.\n"
	"\n"
	"The page that shows it has not been built: with npm installed, run `make api-docs`\n"
	"(or `make up`), and start the proxy again. API_DOCS_ROOT tells it where else to look.\n",
};

static const struct page web = {
	"WEB_ROOT", "", "/",
	{"../share/timetrackr/web", "../web/app/dist"},
	"This is the API of TimeTrackr, described at /openapi.json and shown at /api-docs.\n"
	"\n"
	"The web app has not been built: with Node.js 18 or later and npm installed, run `make web`\n"
	"(or `make up`), and start the proxy again. WEB_ROOT tells it where else to look.\n",
};

static const struct page badges = {
	"BADGES_ROOT", "/media/badges", NULL,
	{"../share/timetrackr/badges", "../web/badges"},
	NULL
};

/* Find the folder next to the program. False: there is none. */
static bool
find_folder(const struct page *page, char folder[PATH_MAX])
{
	char		program[PATH_MAX];
	ssize_t		length = readlink("/proc/self/exe", program, sizeof program - 1);
	char	   *end;

	if (length < 0)
		return false;
	program[length] = '\0';
	end = strrchr(program, '/');
	if (end == NULL)
		return false;
	*end = '\0';
	for (size_t i = 0; i < PLACES; i++)
	{
		int			written = snprintf(folder, PATH_MAX, "%s/%s", program, page->places[i]);

		if (written < PATH_MAX && access(folder, R_OK | X_OK) == 0)
			return true;
	}
	return false;
}

/* Add a page's files, or what is said where there are none. `folder` is the setting's; NULL: it is unset. */
static bool
add_page(struct statics *statics, const struct page *page, const char *folder, char *why, size_t why_size)
{
	char		found[PATH_MAX];
	char		reason[400];

	if (folder == NULL && find_folder(page, found))
		folder = found;
	if (folder != NULL && !statics_add_folder(statics, page->prefix, folder, reason, sizeof reason))
	{
		snprintf(why, why_size, "%s: %s", page->setting, reason);
		return false;
	}
	if (page->path == NULL || statics_find(statics, page->path, strlen(page->path)) != NULL ||
		statics_add_text(statics, page->path, page->missing))
		return true;
	snprintf(why, why_size, "%s: too many files, or out of memory", page->setting);
	return false;
}

/* Pictures at Cloudinary are shown by the web app, and sent there: those of this account alone. */
static bool
allow_cloudinary(struct statics *statics, const char *cloud_name)
{
	char		pictures[PLACE_SIZE];
	char		uploads[PLACE_SIZE];

	if (cloud_name == NULL)
		return true;
	snprintf(pictures, sizeof pictures, "https://res.cloudinary.com/%s/", cloud_name);
	snprintf(uploads, sizeof uploads, "https://api.cloudinary.com/v1_1/%s/image/upload", cloud_name);
	return statics_allow(statics, web.path, pictures, uploads);
}

struct statics *
pages_load(const struct config *config, char *why, size_t why_size)
{
	struct statics *statics = statics_create();

	if (statics == NULL)
	{
		snprintf(why, why_size, "out of memory");
		return NULL;
	}
	if (add_page(statics, &api_docs, config->api_docs_root, why, why_size) &&
		add_page(statics, &web, config->web_root, why, why_size) &&
		add_page(statics, &badges, config->badges_root, why, why_size))
	{
		if (allow_cloudinary(statics, config->cloudinary.cloud_name))
			return statics;
		snprintf(why, why_size, "out of memory");
	}
	statics_free(statics);
	return NULL;
}
