// @ts-self-types="./resvg_module.d.ts"
// JavaScript, as TypeScript does not know imports at source phase yet: they give the module compiled,
// without permission to read it.
import source resvg from "npm:@resvg/resvg-wasm@2.6.2/index_bg.wasm";
export default resvg;
