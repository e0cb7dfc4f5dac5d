"""What is said about a photograph, in English and Chinese: what is seen, and how to mend it."""

TEXTS: dict[str, dict[str, str]] = {
    "no_face": {
        "en": "no face was found; give a photograph of one person who looks at the camera",
        "zh": "照片中没有找到人脸；请使用一张本人正对镜头的照片",
    },
    "several_faces": {
        "en": "there are {count} faces; crop the picture so that it shows one person only",
        "zh": "照片中有 {count} 张人脸；请裁剪照片，只保留一个人",
    },
    "faces_behind": {
        "en": "other faces are in the background ({count} in all); they stay still while the largest one talks",
        "zh": "背景中还有其他人脸（共 {count} 张）；说话时只有最大的一张会动",
    },
    "face_too_small": {
        "en": "the face is {width} pixels wide, 120 are needed; give the original, or go nearer",
        "zh": "人脸宽度只有 {width} 像素，至少需要 120；请使用原图，或离镜头近一些",
    },
    "face_coarse": {
        "en": "the face is only {width} pixels wide and will look coarse; 300 and more look good",
        "zh": "人脸宽度只有 {width} 像素，效果会比较粗糙；300 像素以上效果较好",
    },
    "sideways": {
        "en": "the head lies {degrees}° to its side; rotate the picture so that the head is upright",
        "zh": "头部倾斜了 {degrees}°；请旋转照片，使头部竖直",
    },
    "cut_off": {
        "en": "the picture's border cuts the face off; give one with the whole face and space around",
        "zh": "人脸被照片边缘截断；请使用露出整张脸、四周留有空间的照片",
    },
    "turned": {
        "en": "the head is turned a little to one side; the mouth looks best when the face looks into the camera",
        "zh": "头部略微偏向一侧；正对镜头时口型效果最好",
    },
    "profile": {
        "en": "the head is turned too far to one side; look straight at the camera",
        "zh": "头部偏转过大；请正对镜头",
    },
    "nodding": {
        "en": "the camera is above or below the face; at the height of the eyes the mouth looks best",
        "zh": "镜头偏高或偏低；镜头与眼睛同高时口型效果最好",
    },
    "tilted": {
        "en": "the head is lowered or raised too far; hold the camera at the height of the eyes",
        "zh": "头部俯仰过大；请把镜头放在与眼睛同高的位置",
    },
    "lips_parted": {
        "en": "the lips are slightly parted; with a closed mouth m, b and p look better",
        "zh": "嘴唇微微张开；闭上嘴拍摄，m、b、p 等音的口型会更好",
    },
    "teeth": {
        "en": "teeth show between the lips, and are covered when the mouth shuts; a closed mouth looks better",
        "zh": "照片中露出了牙齿，闭口时会被遮住；闭上嘴拍摄效果更好",
    },
    "mouth_open": {
        "en": "the mouth is open; take the photograph with closed lips and a calm face",
        "zh": "嘴是张开的；请闭上嘴、表情自然地拍摄",
    },
    "mouth_stretched": {
        "en": "the mouth is open, and was closed by stretching the lips; a closed mouth looks better",
        "zh": "照片中嘴是张开的，已通过拉伸嘴唇将其闭合；闭上嘴拍摄效果更好",
    },
    "mouth_small": {
        "en": "the mouth is small in the picture; use a photograph from nearer",
        "zh": "嘴在照片中太小；请使用离镜头更近的照片",
    },
    "soft": {
        "en": "the picture is a little blurred; a sharper one gives a livelier face",
        "zh": "照片略微模糊；更清晰的照片效果更生动",
    },
    "blurred": {
        "en": "the face is out of focus; hold the camera still, and tap on the face to focus",
        "zh": "人脸没有对焦；请拿稳相机，并对准人脸对焦",
    },
    "dim": {
        "en": "the face is dimly lit; light from the front, such as a window, makes it clearer",
        "zh": "脸部光线偏暗；正面光（例如面对窗户）会更清晰",
    },
    "dark": {
        "en": "the face is too dark to see; turn to a window or a lamp",
        "zh": "脸部过暗，无法辨认；请面向窗户或灯光拍摄",
    },
    "burnt": {
        "en": "the face is too bright, and its shape is lost; turn away from the sun or the lamp, or expose it darker",
        "zh": "脸部曝光过度，细节丢失；请避开直射光，或降低曝光后重新拍摄",
    },
    "bright": {
        "en": "parts of the face are plain white; softer light, such as a window's, shows them",
        "zh": "脸部有些地方过曝发白；请使用更柔和的光线，例如窗光",
    },
    "shaded": {
        "en": "half of the face is in shadow, or hair covers it; with even light from the front it looks best",
        "zh": "半边脸处于阴影中，或被头发遮住；正面均匀的光线下口型效果最好",
    },
    "eyes_covered": {
        "en": "an eye is covered, by sunglasses, hair or a hand; take that away, so that both eyes can be seen",
        "zh": "眼睛被墨镜、头发或手遮住；请移开遮挡物，露出双眼",
    },
    "eye_behind": {
        "en": "something is in front of an eye, such as hair; the eyes do not blink then, so move it away if you can",
        "zh": "眼睛前有头发等遮挡物；遮挡后的眼睛不会眨动，如方便请移开",
    },
    "mouth_covered": {
        "en": "the mouth is covered, by a mask or a hand; take off what covers it, or no lips can move",
        "zh": "嘴被口罩或手遮住；请移开遮挡物，否则嘴唇无法活动",
    },
    "mouth_behind": {
        "en": "something is in front of the mouth, such as hair or fingers; it moves with the lips, so take it away",
        "zh": "嘴前有头发、手指等遮挡物，会随嘴唇一起变形；请移开后重新拍摄",
    },
    "glasses": {
        "en": "the person seems to wear glasses; the eyes do not blink behind them, so take them off if you can",
        "zh": "似乎戴着眼镜；镜片后的眼睛不会眨动，如方便请摘下眼镜",
    },
    "drawn": {
        "en": "this looks like a drawing or a heavily smoothed picture; photographs work best, so look at the preview",
        "zh": "看起来像绘画或过度磨皮的图片；本功能为真人照片设计，请先查看预览",
    },
}
