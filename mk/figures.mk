# Figures of docs/, made again one by one: `make figures FIGURE=NAME`. The list: a rule figure/NAME for each, and its command; where a name
# ends in %, $* is what stands there. FIGURES is where they go. Several figures are of MNIST: MNIST=DIRECTORY says where it is.
FIGURES ?= runs/figures
FIGURE  ?=
MNIST   ?=
mnist    = $(or $(MNIST),$(error figures: say where MNIST is: make figures FIGURE=$(FIGURE) MNIST=DIRECTORY))

figures: all                     ## make a figure of docs/ again: FIGURE=NAME; without a name: which there are
	@+if [ -n '$(FIGURE)' ]; then $(MAKE) --no-print-directory 'figure/$(FIGURE)'; \
	else awk '/^figure\/[a-z]/ {sub(/^figure\//, ""); sub(/:.*/, ""); print}' mk/figures.mk; fi

figure/variants: always
	bin/gantry bench/variants.lua --data mnist:$(mnist) --out $(FIGURES)/variants

figure/variants/%: always
	bin/gantry bench/variants.lua --data mnist:$(mnist) --out $(FIGURES)/variants --only $* --again

figure/translations: always
	bin/gantry bench/translations.lua --out $(FIGURES)/translations

figure/translations/%: always
	bin/gantry bench/translations.lua --out $(FIGURES)/translations --only $* --again

figure/rules: always
	bin/gantry bench/rules.lua mnist:$(mnist) $(FIGURES)/rules

figure/%: always
	@echo "figures: there is no figure '$*'; make figures lists them" >&2; exit 1

.PHONY: figures
