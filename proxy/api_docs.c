/*
 * api_docs.c - finds the page at /api-docs (see api_docs.h).
 */
#include "api_docs.h"

#include <stdio.h>
#include <string.h>

#include "share.h"

#define PREFIX "/api-docs"

static const char missing[] =
	"This API is described at /openapi.json.\n"
	"\n"
	"The page that shows it has not been built: with npm installed, run `make api-docs`\n"
	"(or `make up`), and start the proxy again. API_DOCS_ROOT tells it where else to look.\n";

struct statics *
api_docs_load(const char *folder, char *why, size_t why_size)
{
	struct statics *statics = statics_create();
	char		found[PATH_MAX];
	bool		good;

	snprintf(why, why_size, "out of memory");
	if (statics == NULL)
		return NULL;
	if (folder == NULL && share_find("api-docs", "api-docs/dist", found))
		folder = found;
	good = folder == NULL || statics_add_folder(statics, PREFIX, folder, why, why_size);
	if (good && statics_find(statics, PREFIX, strlen(PREFIX)) == NULL)
		good = statics_add_text(statics, PREFIX, missing);
	if (good)
		return statics;
	statics_free(statics);
	return NULL;
}
