# Postern: Outlook service for self-hosted mail, as native Apache httpd modules.
#
#   make              build the modules and smtp-submit
#   make deps         install the Debian packages that building and testing need
#   make check        build and run every test (as root: with real servers)
#   make demo         start everything on loopback and show it; Ctrl-C ends it
#                     (DEMO_ONCE=1: end at once, DEMO_PORT=8443, DEMO_SAMBA=no)
#   make interop      run third-party clients too heavy for check
#   make bench        measure beside references (ROWS='rpc.*' for some rows)
#   make lint         house rules, static analysis
#   make asan         the whole suite under ASan and UBSan
#   make valgrind     the pure tests under valgrind
#   make fuzz         every fuzzer for FUZZ_SECONDS (60) each
#   make install      into DESTDIR; a2enmod then finds the modules
#   make uninstall clean help
#
# Variables: CC CFLAGS LDFLAGS APXS prefix DESTDIR B (build folder)
#            WERROR=1 (warnings are errors) TESTS (what check runs)

prefix  ?= /usr/local
bindir  ?= $(prefix)/bin
mandir  ?= $(prefix)/share/man
APXS    ?= apxs
CC      ?= cc
B       ?= build
TESTS   ?=
JOBS    ?= 2
FUZZ_SECONDS ?= 60

# "make check" and "make demo" on a bare machine install what is missing first.
have = $(shell command -v $(1) 2>/dev/null)
READY := $(and $(call have,$(APXS)),$(call have,pkg-config),$(call have,samba),$(call have,slapd),$(call have,mandoc))

ifneq ($(READY),)
libexecdir := $(shell $(APXS) -q LIBEXECDIR | tr -d ';')
sysconfdir := $(shell $(APXS) -q SYSCONFDIR | tr -d ';')
HTTPD_CPPFLAGS := -I$(shell $(APXS) -q INCLUDEDIR | tr -d ';')
APR_CPPFLAGS := $(shell apr-1-config --cppflags --includes) $(shell apu-1-config --includes)
APR_LIBS := $(shell apr-1-config --link-ld) $(shell apu-1-config --link-ld)
XML_CPPFLAGS := $(shell pkg-config --cflags libxml-2.0)
XML_LIBS := $(shell pkg-config --libs libxml-2.0)
CURL_LIBS := $(shell pkg-config --libs libcurl)
ICAL_LIBS := $(shell pkg-config --libs libical)
LDAP_LIBS := -lldap -llber
SSL_LIBS := $(shell pkg-config --libs libcrypto)
endif

CFLAGS  ?= -O2 -g
WARN    := -std=gnu11 -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wformat=2
WARN    += $(if $(WERROR),-Werror)
ALL_CPPFLAGS = -I. $(APR_CPPFLAGS) $(HTTPD_CPPFLAGS) $(XML_CPPFLAGS) $(CPPFLAGS)
ALL_CFLAGS = $(WARN) -fPIC -fno-strict-aliasing $(CFLAGS) $(SANITIZE)
# V=1 shows the commands whole.
Q := $(if $(V),,@)
COMPILE = $(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c

# Rooms that become modules: mod_NAME/mod_*.c is glue, the rest is pure and
# goes into an archive that tests and fuzzers link as well.
MODULES := mailbox autodiscover rpcproxy freebusy
MODULE_LIBS_mailbox = $(LDAP_LIBS)
MODULE_LIBS_autodiscover = $(XML_LIBS) $(SSL_LIBS)
MODULE_LIBS_rpcproxy =
MODULE_LIBS_freebusy = $(XML_LIBS) $(CURL_LIBS) $(ICAL_LIBS)
# Everything a unit test or fuzzer may need.
TEST_LIBS = $(XML_LIBS) $(CURL_LIBS) $(ICAL_LIBS) $(SSL_LIBS) $(APR_LIBS)

obj = $(patsubst %.c,$(B)/%.o,$(1))
glue_of = $(wildcard mod_$(1)/mod_*.c)
pure_of = $(filter-out mod_$(1)/mod_%,$(wildcard mod_$(1)/*.c))

LIB := $(B)/libpostern.a
GLUE := $(B)/libglue.a
MODULE_SOS := $(MODULES:%=$(B)/modules/mod_%.so)
PURE_ARCHIVES := $(foreach m,$(MODULES),$(if $(call pure_of,$(m)),$(B)/mod_$(m)/pure.a))
# smtp-submit/*_main.c are programs, each linked with the room's archive.
SUBMIT_PURE := $(filter-out %main.c,$(wildcard smtp-submit/*.c))
SUBMIT_ARCHIVE := $(if $(SUBMIT_PURE),$(B)/smtp-submit/pure.a)
PROGRAMS := $(if $(wildcard smtp-submit/main.c),$(B)/bin/smtp-submit)

UNIT := $(patsubst %.c,$(B)/%.t,$(wildcard t/unit/*/*.c))

.PHONY: all deps check demo interop bench lint asan valgrind fuzz install uninstall clean help modules units
.SECONDARY:

all: modules $(PROGRAMS)
modules: $(MODULE_SOS)
units: $(UNIT)

help:
	@sed -n '2,/^$$/s/^# \{0,1\}//p' Makefile

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(if $(V),,@echo "  CC   $<")
	$(Q)$(COMPILE) -o $@ $<

$(LIB): $(call obj,$(wildcard lib/*.c))
$(GLUE): $(call obj,$(wildcard glue/*.c))
$(SUBMIT_ARCHIVE): $(call obj,$(SUBMIT_PURE))
$(LIB) $(GLUE) $(SUBMIT_ARCHIVE):
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

# Only the module record is exported: two modules may hold functions of one
# name, and httpd loads them into one name space.
define module_rules
$(B)/mod_$(1)/pure.a: $(call obj,$(call pure_of,$(1)))
	@mkdir -p $$(@D) && rm -f $$@
	$$(Q)$(AR) rcs $$@ $$^
$(B)/mod_$(1)/exports.map:
	@mkdir -p $$(@D)
	$$(Q)printf '{ global: $(1)_module; local: *; };\n' > $$@
$(B)/modules/mod_$(1).so: $(call obj,$(call glue_of,$(1))) $(B)/mod_$(1)/pure.a $(GLUE) $(LIB) $(B)/mod_$(1)/exports.map
	@mkdir -p $$(@D)
	$$(if $$(V),,@echo "  LINK $$@")
	$$(Q)$(CC) -shared $(CFLAGS) $(SANITIZE) $(LDFLAGS) -Wl,--version-script=$(B)/mod_$(1)/exports.map -Wl,--no-undefined-version \
	  -o $$@ $$(filter %.o %.a,$$^) $$(MODULE_LIBS_$(1))
endef
$(foreach m,$(MODULES),$(eval $(call module_rules,$(m))))

$(B)/t/unit/%.t: $(B)/t/unit/%.o $(PURE_ARCHIVES) $(SUBMIT_ARCHIVE) $(LIB)
	@mkdir -p $(@D)
	$(if $(V),,@echo "  LINK $@")
	$(Q)$(CC) $(CFLAGS) $(SANITIZE) $(LDFLAGS) -o $@ $< -Wl,--start-group $(PURE_ARCHIVES) $(SUBMIT_ARCHIVE) $(LIB) -Wl,--end-group $(TEST_LIBS)

$(B)/bin/smtp-submit: $(B)/smtp-submit/main.o $(SUBMIT_ARCHIVE) $(LIB)
	@mkdir -p $(@D)
	$(if $(V),,@echo "  LINK $@")
	$(Q)$(CC) $(CFLAGS) $(SANITIZE) $(LDFLAGS) -o $@ $^ $(CURL_LIBS) $(SSL_LIBS) $(APR_LIBS)

clean:
	rm -rf $(B)

-include $(shell find $(B) -name '*.d' 2>/dev/null)
